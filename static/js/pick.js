// Picking variants: by checkbox, by the key x, by a click on the trade-off; all three tick the same boxes.
const MOST = 50;
const picked = new Set();
const boxes = () => [...document.querySelectorAll("input.pick")];

function show() {
  const bar = document.getElementById("pick");
  if (!bar) return;
  bar.hidden = picked.size === 0;
  const said = document.getElementById("picked");
  said.textContent = picked.size > MOST ? `${picked.size} picked; a portfolio has at most ${MOST}` : `${picked.size} picked`;
  document.getElementById("add-picked").disabled = picked.size > MOST;
}

function follow(box) {
  box.checked ? picked.add(box.value) : picked.delete(box.value);
  show();
}

/** The table was brought again by the page: its boxes are ticked as they were. */
function restore() {
  for (const box of boxes()) box.checked = picked.has(box.value);
  show();
}

function toggle(box) {
  if (!box) return;
  box.checked = !box.checked;
  follow(box);
}

function onKey(event) {
  const typing = event.target.matches?.("input:not(.pick), select, textarea");
  if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey || typing || document.querySelector("dialog[open]")) return;
  toggle(document.activeElement?.closest("[data-row]")?.querySelector("input.pick"));
}

/** Plotly gives its charts a voice only when they are first drawn; ask as soon as somebody points at one. */
function listen(event) {
  const plot = event.target.closest?.(".chart:is([data-kind=tradeoff], [data-kind=spread]) .plot");
  if (!plot?.on || plot.dataset.picks) return;
  plot.dataset.picks = "yes";
  plot.on("plotly_click", ({ points }) => toggle(boxes().find((box) => box.dataset.name === points[0]?.id)));
}

document.addEventListener("change", (event) => { if (event.target.matches("input.pick")) follow(event.target); });
document.addEventListener("reset", (event) => { if (event.target.id === "pick") { picked.clear(); setTimeout(restore); } });
document.addEventListener("keydown", onKey);
document.addEventListener("pointerover", listen);
document.addEventListener("htmx:afterSettle", restore);
// A browser that comes back may have kept the ticks.
addEventListener("pageshow", () => boxes().forEach((box) => box.checked && follow(box)));
