// Where the names of points stand, so that none lies on another.

// A letter and a line of text as shares of a small plot.
const LETTER = 0.018, LINE = 0.07;

/** Plotly's `textposition` of each point that finds room, by its key: towards the middle, so that no name is cut at the edge of the
 * chart, and below where another one stands above. Whoever finds none is named by its hover, and in the table. */
export function beside(points) {
  const found = new Map(), taken = [], [across, up] = ["x", "y"].map((axis) => shares(points.map((point) => point[axis])));
  for (const { key, name, x, y } of points) {
    const at = across(x), width = LETTER * name.length, isLeft = at > 0.5, from = isLeft ? at - width : at;
    const isFree = (level) => !taken.some((other) => Math.abs(other.level - level) < LINE && other.from < from + width && from < other.from + other.width);
    const free = [["top", up(y) + LINE], ["bottom", up(y) - LINE]].find(([, level]) => isFree(level));
    if (!free || !name) continue;
    taken.push({ from, width, level: free[1] });
    found.set(key, `${free[0]} ${isLeft ? "left" : "right"}`);
  }
  return found;
}

/** How far along its axis a value lies, from the least to the largest. */
function shares(values) {
  const low = Math.min(...values), high = Math.max(...values);
  return (value) => (high > low ? (value - low) / (high - low) : 0);
}
