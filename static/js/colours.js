// Colours from the page's tokens. A recipe keeps its colour on every page because its name decides it.
const COUNT = 7;  // the eighth is grey and stands for what is only context

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function recipeColour(recipe) {
  return nthColour(placeOf(recipe));
}

function placeOf(recipe) {
  let sum = 0;
  for (const letter of recipe) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % COUNT;
}

// Places whose colours are told apart with difficulty: blue and cyan, orange and ochre, orange and red, purple and red.
const NEAR = [[0, 5], [1, 4], [1, 6], [3, 6]];

function isNear(one, other) {
  return NEAR.some(([a, b]) => (a === one && b === other) || (a === other && b === one));
}

/** The same for recipes on one chart: two whose names lead to one colour, or to two that look alike, get two, as long as there are. */
export function recipeColours(recipes) {
  const taken = new Set(), found = new Map();
  for (const recipe of recipes) {
    const own = placeOf(recipe), places = Array.from({ length: COUNT }, (_, step) => (own + step) % COUNT).filter((place) => !taken.has(place));
    const place = places.find((each) => ![...taken].some((other) => isNear(each, other))) ?? places[0] ?? own;
    taken.add(place);
    found.set(recipe, nthColour(place));
  }
  return found;
}

/** Of at most eight runs beside each other, each its own. */
export function runColour(index) {
  return colour(`c${1 + (index % (COUNT + 1))}`);
}

// What was predicted and what was measured keep their colours, whichever is drawn first.
const OF_WAYS = { predicted: "c1", measured: "c2" };

/** `measured, links emulated` is measured too; of any other name its place on the chart decides, grey for the eighth. */
export function wayColour(name, index) {
  const own = OF_WAYS[name.split(",")[0]];
  return own ? colour(own) : runColour(index);
}

export function nthColour(index) {
  return colour(`c${1 + (index % COUNT)}`);
}

/** How often all colours were used up before this place: from the second time on something else has to tell. */
export function roundOf(index) {
  return Math.max(0, Math.floor(index / (COUNT + 1)));
}

/** A colour with so much of another in it, 0 to 1; both as #rrggbb. */
export function mixed(one, other, share) {
  const parts = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const [from, to] = [parts(one), parts(other)];
  return `#${from.map((part, i) => Math.round(part + (to[i] - part) * share).toString(16).padStart(2, "0")).join("")}`;
}
