// The page of a portfolio: what others do appears by itself, and never touches what is being typed here.
import "./criterion.js";
import { bring, spare } from "./held.js";
import { SIGNED_OUT, Stream } from "./stream.js";

const WAITING_MS = 20_000;
const CONTENT = ["head", "board", "review", "history", "runtime"];
const PARTS = { changed: [...CONTENT, "cell"], submitted: CONTENT, withdrawn: CONTENT, decided: CONTENT, said: ["talk", "board"] };
const $ = (selector, root = document) => root.querySelector(selector);
const config = JSON.parse($("#portfolio-config").textContent);
const drafts = `drafts ${location.pathname}`;
let submitted = null;

/** Whether somebody writes in it, or has: then it stays as it is until that is sent. */
function isBusy(place) {
  const fields = [...place.querySelectorAll("textarea, input:not([type=hidden])")];
  const lists = [...place.querySelectorAll("select")];
  return fields.some((field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked || field === document.activeElement)
    || lists.some((list) => list === document.activeElement || [...list.options].some((option) => option.selected !== option.defaultSelected));
}

function wait() {
  $("#pending").hidden = false;
}

function refresh(name) {
  const place = document.getElementById(name);
  if (!place || (name === "cell" && place.hidden)) return;
  if (isBusy(place)) return wait();
  const address = name === "cell" ? config.cell : config.fragments[name];
  bring(name, `${address}${location.search}`);
}

function hear(said) {
  const rows = said.filter((row) => row.seq > config.after);
  if (!rows.length) return;
  const parts = new Set(rows.flatMap((row) => PARTS[row.type] ?? []));
  const last = rows.at(-1).body;
  $("#pending span").textContent = `${last.by} ${last.text}. What you typed is kept.`;
  $("#announce").textContent = `${last.by} ${last.text}.`;
  const ask = $("#ask");
  if (ask) ask.hidden = last.state === "in_review";
  parts.forEach(refresh);
}

/** Open a cell beside the board; the address says which, so that it can be sent to somebody. */
function open(key) {
  const address = new URL(location);
  key ? address.searchParams.set("cell", key) : address.searchParams.delete("cell");
  address.hash = "";
  history.replaceState(null, "", address);
  for (const link of document.querySelectorAll("#board [data-cell]")) link.dataset.cell === key ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  const place = $("#cell"), from = document.activeElement;
  if (!key) return void (place.hidden = true, anchor());
  window.htmx.ajax("GET", `${config.cell}?cell=${encodeURIComponent(key)}`, { source: place, target: place, swap: "outerHTML" }).then(() => {
    const title = $("#cell-title");
    title.tabIndex = -1;
    // Who has gone on meanwhile, to write perhaps, is not called back.
    if ([from, document.body].includes(document.activeElement)) title.focus();
    anchor();
  });
}

/** What is said next is said of the open cell, or of the whole. */
function anchor(free = false) {
  const form = $("#say"), cell = $("#cell");
  if (!form) return;
  const of = free || cell.hidden ? {} : cell.dataset;
  form.elements.criterion.value = of.criterion ?? "";
  form.elements.variant.value = of.variant ?? "";
  $("#anchor-words").textContent = of.words ?? "";
  $("#anchor").hidden = !of.words;
}

function onClick(event) {
  const link = event.target.closest("[data-cell], [data-close]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link.dataset.cell ?? "");
}

/** A page that is left keeps what was typed into its other forms; the one that was sent has gone its way. */
function keep() {
  const typed = [...document.querySelectorAll("textarea")].filter((field) => field.form !== submitted && field.value !== field.defaultValue);
  try { sessionStorage.setItem(drafts, JSON.stringify(Object.fromEntries(typed.map((field) => [field.id, field.value])))); } catch { /* not kept */ }
}

function restore() {
  let typed = {};
  try { typed = JSON.parse(sessionStorage.getItem(drafts) ?? "{}"); sessionStorage.removeItem(drafts); } catch { /* nothing kept */ }
  for (const [id, text] of Object.entries(typed)) {
    const field = document.getElementById(id);
    if (field && !field.value) field.value = text;
  }
}

function showLink(word, detail) {
  if (detail === SIGNED_OUT) return location.assign(`/sign-in/?next=${encodeURIComponent(location.pathname + location.search)}`);
  const place = $("#link-state");
  place.hidden = false;
  place.dataset.state = word;
  place.textContent = detail ? `${word}: ${detail}` : word;
}

restore();
addEventListener("pagehide", keep);
document.addEventListener("submit", (event) => { submitted = event.target; });
document.addEventListener("click", onClick);
for (const name of new Set(Object.values(PARTS).flat())) spare(name, isBusy, wait);
const free = $("#unanchor");
if (free) { free.hidden = false; free.addEventListener("click", () => anchor(true)); }
// The last row is asked for again, so that the answer tells at once that the stream is there.
new Stream(config.stream, { after: Math.max(0, config.after - 1), onEvents: hear, onState: showLink });
// A number that is missing comes from a run; runs speak on streams of their own, so ask now and then.
setInterval(() => {
  if (document.visibilityState !== "visible") return;
  const waiting = [...($("#board")?.dataset.waits ? ["board", "cell", "review"] : []), ...($("#runtime")?.dataset.waits ? ["runtime"] : [])];
  waiting.forEach((name) => isBusy(document.getElementById(name)) || refresh(name));
}, WAITING_MS);
