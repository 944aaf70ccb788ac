// The list of places to cut, under a field that names some: a click writes the layer there. In a plan it ends the line in which the
// cursor was, or the last one; a line that was the last is followed by a new one.
const UNTIL = " until ";
const NAMES = ["device", "edge", "cloud"];

/** A plan with its line at the cursor ending behind this layer. */
export function cutIn(text, caret, layer) {
  const lines = text.split(/[\n;]/).map((line) => line.trim());
  if (!lines.some(Boolean)) return withEnd([NAMES[0]], 0, layer);
  const wanted = text.slice(0, caret).split(/[\n;]/).length - 1;
  const kept = lines.map((line, at) => ({ line, at })).filter(({ line }) => line);
  const place = kept.findIndex(({ at }) => at >= wanted);
  return withEnd(kept.map(({ line }) => line), place < 0 ? kept.length - 1 : place, layer);
}

function withEnd(lines, place, layer) {
  const at = lines[place].lastIndexOf(UNTIL);
  const name = at > 0 ? lines[place].slice(0, at) : lines[place];
  const found = [...lines.slice(0, place), `${name}${UNTIL}${layer}`, ...lines.slice(place + 1)];
  if (place === lines.length - 1) found.push(NAMES.find((each) => !found.some((line) => nameOf(line) === each)) ?? `part ${found.length + 1}`);
  return found.join("\n");
}

function nameOf(line) {
  return line.includes(UNTIL) ? line.slice(0, line.lastIndexOf(UNTIL)) : line;
}

function pick(button) {
  const list = button.closest(".cut-list"), field = document.getElementById(list.dataset.fills), layer = button.dataset.cut;
  if (field.tagName === "TEXTAREA") {
    field.value = cutIn(field.value, Number(field.dataset.caret ?? field.value.length), layer);
    delete field.dataset.caret;  // The next one goes on behind, unless the cursor is put somewhere.
  } else field.value = layer;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  list.querySelector("[role=status]").textContent = `${field.labels[0].textContent}: ${field.value.replaceAll("\n", "; ")}`;
}

function shown() {
  for (const button of document.querySelectorAll(".cut-list [data-cut][hidden]")) button.hidden = false;
}

export function adoptCuts(form) {
  form.addEventListener("click", ({ target }) => { const button = target.closest?.("[data-cut]"); if (button) pick(button); });
  // Whoever clicks a place leaves the field: where the cursor was is kept.
  form.addEventListener("focusout", ({ target }) => { if (target.tagName === "TEXTAREA") target.dataset.caret = target.selectionStart; });
  document.body.addEventListener("htmx:afterSettle", shown);
  shown();
}
