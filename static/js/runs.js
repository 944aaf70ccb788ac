// Picking runs, or devices, to compare: by checkbox or with the key x; c compares what is picked.
const form = document.getElementById("compare");
const most = Number(form?.dataset.most ?? 8);
const things = form?.dataset.things ?? "runs";
// A pick lasts as long as the tab: the runs to compare may stand on several pages.
const KEPT = `picked ${things}`;
const picked = new Set(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));
const boxes = () => [...document.querySelectorAll("input[data-pick]")];

function show() {
  sessionStorage.setItem(KEPT, JSON.stringify([...picked]));
  for (const button of document.querySelectorAll("[data-unpick]")) button.hidden = !picked.size;
  for (const button of document.querySelectorAll("[data-compare]")) {
    button.textContent = picked.size ? `compare ${picked.size} picked` : "compare picked";
    button.disabled = picked.size < 2 || picked.size > most;
    button.title = picked.size > most ? `At most ${most} ${things}` : picked.size < 2 ? `Pick two ${things} at least` : "";
  }
}

function follow(box) {
  box.checked ? picked.add(box.value) : picked.delete(box.value);
  show();
}

/** The table was brought again: its boxes are ticked as they were. */
function restore() {
  for (const box of boxes()) box.checked = picked.has(box.value);
  show();
}

function pick() {
  const box = document.activeElement?.closest("[data-row]")?.querySelector("input[data-pick]");
  if (!box) return;
  box.checked = !box.checked;
  follow(box);
}

function onKey(event) {
  const typing = event.target.matches?.("input:not([type=checkbox]), select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "x") pick();
  if (event.key === "c" && picked.size >= 2 && picked.size <= most) form.requestSubmit();
}

/** What was picked on other pages goes along. */
function gather() {
  for (const old of form.querySelectorAll("input[data-elsewhere]")) old.remove();
  const here = new Set(boxes().map((box) => box.value));
  for (const value of picked) if (!here.has(value)) form.append(hidden(value));
}

function hidden(value) {
  const input = Object.assign(document.createElement("input"), { type: "hidden", name: things.replace(/s$/, ""), value });
  input.dataset.elsewhere = "";
  return input;
}

function drop() {
  picked.clear();
  restore();
}

form?.addEventListener("submit", gather);
document.addEventListener("click", (event) => { if (event.target.closest?.("[data-unpick]")) drop(); });
document.addEventListener("change", (event) => { if (event.target.matches("input[data-pick]")) follow(event.target); });
document.addEventListener("keydown", onKey);
document.addEventListener("htmx:afterSettle", restore);
document.addEventListener("htmx:oobAfterSwap", restore);
// A browser that comes back may have kept the ticks.
function begin() {
  for (const box of boxes()) if (box.checked) picked.add(box.value);
  restore();
}

addEventListener("pageshow", begin);
begin();
