// Colours from the page's tokens. A recipe keeps its colour on every page because its name decides it.
const COUNT = 7;  // the eighth is grey and stands for what is only context

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function recipeColour(recipe) {
  let sum = 0;
  for (const letter of recipe) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return colour(`c${1 + (sum % COUNT)}`);
}

/** Of at most eight runs beside each other, each its own. */
export function runColour(index) {
  return colour(`c${1 + (index % (COUNT + 1))}`);
}

export function nthColour(index) {
  return colour(`c${1 + (index % COUNT)}`);
}
