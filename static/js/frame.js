// The frame around every page: theme, keys, rows by keyboard, copy buttons.
const $ = (selector, root = document) => root.querySelector(selector);
const THEMES = ["system", "light", "dark"];

function theme() {
  return document.documentElement.dataset.theme ?? "system";
}

function showTheme() {
  const word = $("#theme-word");
  if (word) word.textContent = theme();
}

function nextTheme() {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try { next === "system" ? localStorage.removeItem("theme") : localStorage.setItem("theme", next); } catch { /* not kept */ }
  showTheme();
  window.dispatchEvent(new Event("themechange"));
}

function moveRow(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return;
  const focused = rows.findIndex((row) => row.contains(document.activeElement));
  const at = focused < 0 ? rows.findIndex((row) => row.classList.contains("picked")) : focused;
  const next = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))];
  rows.forEach((row) => row.classList.toggle("picked", row === next));
  ($("a", next) ?? next).focus();
}

let awaitingPlace = 0;

const KEYS = {
  "?": () => $("#keys")?.showModal(),
  n: () => ($("[data-new]") ?? $("#new-anywhere"))?.click(),
  t: nextTheme,
  j: () => moveRow(1),
  k: () => moveRow(-1),
  ".": () => $("#log-follow")?.click(),
  "/": () => $("[data-filter]")?.focus(),
  g: () => { awaitingPlace = Date.now(); },
};

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return ($("#quick") ?? $("[data-filter]"))?.focus();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target) || $("dialog[open]")) return;
  const place = Date.now() - awaitingPlace < 1500 && $(`.places [data-key="${CSS.escape(event.key)}"]`);
  awaitingPlace = 0;
  const act = place ? () => place.click() : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function isTyping(target) {
  return target.matches?.("input:not([type=checkbox]), select, textarea, [contenteditable]") ?? false;
}

/** The buttons that copy, those of parts that came later too. */
function offerCopies() {
  for (const button of document.querySelectorAll("[data-copy]:not([data-offered])")) {
    button.dataset.offered = "";
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", () => copy(button));
  }
}

async function copy(button) {
  await navigator.clipboard.writeText($(`#${button.dataset.copy}`).textContent);
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}

let standing = null;

/** Where in a list the focus stands, as long as what is there may be brought anew. */
function stand() {
  const at = document.activeElement, row = at?.closest("[data-row]");
  const like = at?.matches("a[href]") ? ["href"] : at?.matches("input[name]") ? ["name", "value"] : [];
  if (!row || !like.length) return void (standing = null);
  const alike = `[data-row] ${at.localName}${like.map((name) => `[${name}="${CSS.escape(at.getAttribute(name) ?? "")}"]`).join("")}`;
  // Several rows may lead to one page: which of them it is counts.
  standing = { at, isPicked: row.classList.contains("picked"), alike, place: [...document.querySelectorAll(alike)].indexOf(at) };
}

/** A list that was brought anew takes the focus from nobody who stood in one of its rows. */
function standAgain() {
  if (!standing || standing.at.isConnected || document.activeElement !== document.body) return;
  const every = document.querySelectorAll(standing.alike), again = every[standing.place] ?? every[0];
  if (!again) return;
  if (standing.isPicked) again.closest("[data-row]").classList.add("picked");
  again.focus({ preventScroll: true });
}

function start() {
  showTheme();
  for (const id of ["#theme", "#keys-open"]) { const each = $(id); if (each) each.hidden = false; }
  $("#theme")?.addEventListener("click", nextTheme);
  $("#keys-open")?.addEventListener("click", KEYS["?"]);
  document.addEventListener("keydown", onKey);
  offerCopies();
  document.addEventListener("htmx:afterSettle", offerCopies);
  document.addEventListener("htmx:beforeSwap", stand);
  document.addEventListener("htmx:afterSwap", standAgain);
  for (const select of document.querySelectorAll("[data-submit-on-change] select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
  $("#form-errors")?.focus();
}

start();
