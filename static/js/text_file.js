// Lines from a file: the page reads it and writes them into the field, where they are seen and can be changed; only lines are sent.
// A file that cannot be read leaves what stands there.
const CONTROL = /[\u0000-\u0008\u000e-\u001f\u007f]/;
const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

/** The lines as they stand in a file; an Error with a sentence where the field cannot take them. `longest`: in characters. */
export async function linesOf(file, longest) {
  const allowed = `Allowed: a text file (UTF-8) of at most ${count(longest, "character")}. What stands here is as it was.`;
  // No text that is short enough has more bytes, a mark of its encoding in front included.
  if (file.size > 4 * longest + 3) throw new Error(`${file.name} has ${count(file.size, "byte")}. ${allowed}`);
  const bytes = new Uint8Array(await file.arrayBuffer().catch(() => { throw new Error(`${file.name} cannot be read. ${allowed}`); }));
  const line = unreadable(bytes);
  if (line) throw new Error(`${file.name}, line ${line}: is no text in UTF-8. ${allowed}`);
  const text = new TextDecoder().decode(bytes).replace(/\r\n?/g, "\n").trimEnd();
  if (!text) throw new Error(`${file.name} is empty. ${allowed}`);
  // An end of a line counts as two, as where it is sent and kept.
  const length = text.length + text.split("\n").length - 1;
  if (length > longest) throw new Error(`${file.name} has ${count(length, "character")}, two for each end of a line. ${allowed}`);
  return text;
}

/** The number of the first line that is no text; 0 where all is. */
function unreadable(bytes) {
  for (let number = 1, start = 0; ; number += 1) {
    const end = bytes.indexOf(10, start);
    if (!isText(bytes.subarray(start, end < 0 ? bytes.length : end))) return number;
    if (end < 0) return 0;
    start = end + 1;
  }
}

function isText(bytes) {
  try {
    return !CONTROL.test(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return false;
  }
}

/** What is said of the file under the field; `name`: of the one that its lines are of. */
function say(box, words, { name = "", isWrong = false } = {}) {
  const said = box.querySelector("[role=status]");
  said.textContent = words;
  said.classList.toggle("error", isWrong);
  box.querySelector("input[type=hidden]").value = name;
}

async function read(input) {
  const box = input.closest(".from-file"), field = box.parentElement.querySelector("textarea"), [file] = input.files;
  if (!file) return;
  const name = box.querySelector("input[type=hidden]").value;
  try {
    const text = await linesOf(file, Number(field.dataset.longest));
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    say(box, `${count(text.split("\n").length, "line")}, as read from ${file.name}`, { name: file.name });
  } catch (wrong) {
    say(box, wrong.message, { name, isWrong: true });
  }
  input.value = ""; // The same file, once it is mended, is a change too.
}

function onClick({ target }) {
  target.closest?.("[data-read-file]")?.parentElement.querySelector("input[type=file]").click();
}

/** Lines that somebody changes by hand are the file's no more. */
function onInput({ target }) {
  const box = target.matches?.(".lines > textarea") && target.parentElement.querySelector(".from-file");
  if (box) say(box, "");
}

function onChange({ target }) {
  if (target.matches?.(".from-file input[type=file]")) read(target);
}

function show() {
  for (const box of document.querySelectorAll(".from-file[hidden]")) box.hidden = false;
}

export function adoptFiles() {
  document.addEventListener("click", onClick);
  document.addEventListener("input", onInput);
  document.addEventListener("change", onChange);
  document.addEventListener("htmx:afterSettle", show);
  show();
}
