// Sizes and times as people say them: 1 MB is 10^6 bytes.
const UNITS = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];

export function sizeWords(bytes) {
  const [step, unit] = UNITS.find(([least]) => bytes >= least) ?? [1, "bytes"];
  return `${Number((bytes / step).toPrecision(3))} ${unit}`;
}

export function spanWords(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
