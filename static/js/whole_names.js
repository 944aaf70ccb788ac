// A choice shows as much of a name as it has room for; one that is longer stands whole under it.
// Beside the words stands the browser's arrow.
const ARROW_PX = 24;
const ruler = document.createElement("canvas").getContext("2d");

function isCut(select, words) {
  const { font, paddingLeft, paddingRight } = getComputedStyle(select);
  ruler.font = font;
  return ruler.measureText(words).width > select.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - ARROW_PX;
}

function show(select) {
  // Folded away it has no width; it is looked at again when it is unfolded.
  if (!select.clientWidth) return;
  const place = select.closest(".field"), words = select.selectedOptions[0]?.textContent.trim() ?? "";
  const line = place.querySelector(".whole") ?? place.querySelector(".with-unit").insertAdjacentElement("afterend", made());
  line.hidden = !isCut(select, words);
  line.textContent = line.hidden ? "" : words;
}

/** For eyes alone: a choice reads its name whole to those who listen. */
function made() {
  return Object.assign(document.createElement("p"), { className: "whole", ariaHidden: "true", hidden: true });
}

export function adoptNames(form) {
  const all = () => form.querySelectorAll(".field > .with-unit select").forEach(show);
  form.addEventListener("change", all);
  form.addEventListener("toggle", all, { capture: true });
  addEventListener("resize", all);
  all();
}
