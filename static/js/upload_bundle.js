// An ONNX model and its data files, dropped together, as one archive: a stored zip whose parts stay on the disk until they are sent.
const MODEL = /\.onnx$/i;
const BY_ITSELF = /\.(safetensors|pt|pt2|pth|ckpt|npz|zip|h5|tflite)$/i;
const UTF8 = 0x0800;
const FIRST_DAY = 0x0021; // 1 January 1980: the same files make the same archive.

const TABLE = Uint32Array.from({ length: 256 }, (_, start) => {
  let rest = start;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** What was dropped, a model and the files that hold its weights as one; everything else as it is. */
export function together(files) {
  const models = files.filter((file) => MODEL.test(file.name));
  const loose = files.filter((file) => !MODEL.test(file.name) && !BY_ITSELF.test(file.name));
  const taken = new Set();
  const bundles = models.map((model) => {
    const mine = loose.filter((file) => models.length === 1 || owner(file, models) === model);
    for (const file of mine) taken.add(file);
    return mine.length ? new Bundle(model, mine) : model;
  });
  return [...bundles, ...files.filter((file) => !models.includes(file) && !taken.has(file))];
}

/** The model whose name the file's begins with; the longest such. */
function owner(file, models) {
  const stem = (model) => model.name.replace(MODEL, "");
  const mine = models.filter((model) => file.name.startsWith(stem(model)));
  return mine.sort((one, other) => stem(other).length - stem(one).length)[0];
}

class Bundle {
  constructor(model, data) {
    this.name = model.name;
    this.entries = [model, ...data].map((file) => ({ file, name: new TextEncoder().encode(file.name) }));
    this.size = this.entries.reduce((sum, { file, name }) => sum + file.size + 76 + 2 * name.length, 22);
  }

  /** The archive as a file. Each part is read once, piece by piece, for its checksum. */
  async whole() {
    const parts = [];
    const directory = [];
    let offset = 0;
    for (const entry of this.entries) {
      const said = { ...entry, offset, sum: await checksum(entry.file) };
      parts.push(local(said), entry.file);
      directory.push(central(said));
      offset += 30 + entry.name.length + entry.file.size;
    }
    const length = directory.reduce((sum, each) => sum + each.size, 0);
    const lastModified = Math.max(...this.entries.map(({ file }) => file.lastModified));
    return new File([...parts, ...directory, end(directory.length, length, offset)], this.name, { lastModified });
  }
}

async function checksum(file) {
  let rest = 0xffffffff;
  const reader = file.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ~rest >>> 0;
    for (const byte of value) rest = TABLE[(rest ^ byte) & 255] ^ (rest >>> 8);
  }
}

/** Numbers of 2 or 4 bytes, the lowest byte first, as [size, value]. */
function packed(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return view.buffer;
}

function about({ file, name, sum }) {
  return [[2, 20], [2, UTF8], [2, 0], [2, 0], [2, FIRST_DAY], [4, sum], [4, file.size], [4, file.size], [2, name.length], [2, 0]];
}

function local(entry) {
  return new Blob([packed([4, 0x04034b50], ...about(entry)), entry.name]);
}

function central(entry) {
  const rest = [[2, 0], [2, 0], [2, 0], [4, 0], [4, entry.offset]];
  return new Blob([packed([4, 0x02014b50], [2, 20], ...about(entry), ...rest), entry.name]);
}

function end(count, length, offset) {
  return new Blob([packed([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, offset], [2, 0])]);
}
