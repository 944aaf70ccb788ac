// Where the names of points stand, so that none lies on another, or on a point.

// In px: a letter and half a line of the text; what axes take of a plot, and by how much a name may stand out beyond the last point.
// As a share what Plotly leaves free at the ends of an axis.
const LETTER = 6.2, HALF = 7, AXIS_X = 80, AXIS_Y = 70, END = 20, FREE = 0.88;
const SIDES = [["top", 1], ["bottom", -1]];

/** Plotly's `textposition` of each point that finds room for its name, by its key: at first towards the middle and above, so that no
 * name is cut at the edge of the chart. `points`: each with its values `x` and `y`, the ends of their intervals `xs` and `ys`, and its
 * radius `r`. Whoever finds no room, or has no name, is named by its hover, and in the table. */
export function beside(points, { width = 760, height = 380 } = {}) {
  const long = FREE * Math.max(50, width - AXIS_X), high = FREE * Math.max(50, height - AXIS_Y);
  const across = scaled(points.flatMap(({ x, xs }) => [x, ...xs]), long), up = scaled(points.flatMap(({ y, ys }) => [y, ...ys]), high);
  const taken = points.map(({ x, y, r }) => box(across(x) - r, across(x) + r, up(y), r)), found = new Map();
  for (const { key, name, x, y, r } of points) {
    const at = across(x), wide = LETTER * name.length, isRight = at <= long / 2;
    const tried = [isRight, !isRight].flatMap((right) => SIDES.map(([word, way]) => [`${word} ${right ? "right" : "left"}`, box(right ? at + r : at - r - wide, right ? at + r + wide : at - r, up(y) + way * (r + HALF + 1), HALF)]));
    const free = name && tried.find(([, place]) => place.left > -END && place.right < long + END && !taken.some((other) => isOver(place, other)));
    if (!free) continue;
    taken.push(free[1]);
    found.set(key, free[0]);
  }
  return found;
}

/** Px from the least value on. */
function scaled(every, length) {
  const values = every.filter(Number.isFinite), low = Math.min(...values), high = Math.max(...values);
  return (value) => (high > low ? length * (value - low) / (high - low) : 0);
}

function box(left, right, level, half) { return { left, right, low: level - half, high: level + half }; }

function isOver(one, other) { return one.left < other.right && other.left < one.right && one.low < other.high && other.low < one.high; }
