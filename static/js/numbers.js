// How scripts write numbers: three significant digits, as the pages do.
export function sig(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  if (Number.isInteger(value) && Math.abs(value) < 10_000) return String(value);
  if (Math.abs(value) < 1e-3) return value.toExponential(2);
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
}

export function size(bytes) {
  if (!bytes) return "–";
  const [step, unit] = bytes >= 1e9 ? [1e9, "GB"] : bytes >= 1e6 ? [1e6, "MB"] : [1e3, "kB"];
  return `${sig(bytes / step)} ${unit}`;
}

/** Of one value alone an axis that names it, with room on both sides, instead of ticks that differ in their seventh digit. */
export function axisOfOne(values) {
  const found = new Set(values);
  const [value] = found;
  if (found.size === 1 && typeof value === "string") return axisOfOneTime(value);
  if (found.size !== 1 || typeof value !== "number" || !Number.isFinite(value) || value === 0) return {};
  const room = Math.abs(value) / 2;
  return { tickmode: "array", tickvals: [value], ticktext: [sig(value)], range: [value - room, value + room] };
}

/** Half an hour to each side of one moment, `2026-01-02 03:04:05` of whatever zone; nothing of other text. */
function axisOfOneTime(moment) {
  const at = Date.parse(`${moment.slice(0, 19).replace(" ", "T")}Z`);
  if (Number.isNaN(at)) return {};
  const end = (minutes) => new Date(at + 60_000 * minutes).toISOString().slice(0, 19).replace("T", " ");
  return { tickmode: "array", tickvals: [end(0)], ticktext: [end(0).slice(0, 16)], range: [end(-30), end(30)] };
}

/** At most `limit` points that keep each stretch's lowest and highest value, so that no spike is lost. */
export function decimate(x, y, limit = 2000) {
  if (x.length <= limit) return [x, y];
  const bucket = Math.ceil(x.length / (limit / 2));
  const kept = [];
  for (let start = 0; start < x.length; start += bucket) kept.push(...extremes(y, start, Math.min(start + bucket, x.length)));
  return [kept.map((i) => x[i]), kept.map((i) => y[i])];
}

function extremes(y, start, end) {
  let low = start, high = start;
  for (let i = start; i < end; i += 1) {
    if (y[i] < y[low]) low = i;
    if (y[i] > y[high]) high = i;
  }
  return low === high ? [low] : low < high ? [low, high] : [high, low];
}
