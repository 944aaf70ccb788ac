// Picking variants: by checkbox, by the key x, by a click on the trade-off; all three tick the same boxes. What is picked on
// one page stays picked on the next, until it is added or let go.
import { colour } from "./colours.js";

const MOST = 50;
const picked = new Set();
let place = "";
const PLOTS = ".chart:is([data-kind=tradeoff], [data-kind=spread]) .plot";
const boxes = () => [...document.querySelectorAll("input.pick")];

/** Once the bar is here its team is known, and with it what was picked on earlier pages. */
function recall() {
  const team = document.getElementById("pick")?.dataset.team;
  if (place || !team) return;
  place = `picked ${team}`;
  for (const id of JSON.parse(sessionStorage.getItem(place) ?? "[]")) picked.add(id);
}

function away() {
  const here = new Set(boxes().map((box) => box.value));
  return [...picked].filter((id) => !here.has(id));
}

/** The boxes of this page go with the form by themselves. */
function send(form) {
  form.querySelectorAll("input[type=hidden]").forEach((input) => input.remove());
  for (const value of away()) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "variant", value }));
  sessionStorage.removeItem(place);
}

/** Other pages are named only where something is picked there. */
function counted() {
  const elsewhere = away().length, here = picked.size - elsewhere;
  if (!elsewhere) return `${here} picked`;
  const there = elsewhere === 1 ? "on another page" : "on other pages";
  return here ? `${picked.size} picked: ${here} here, ${elsewhere} ${there}` : `${elsewhere} picked ${there}`;
}

function show() {
  const bar = document.getElementById("pick");
  if (!bar) return;
  // Where nothing can be picked, nothing is asked.
  bar.hidden = picked.size === 0 || boxes().length === 0;
  const said = document.getElementById("picked"), count = counted();
  said.textContent = picked.size > MOST ? `${count}; a portfolio has at most ${MOST}` : count;
  document.getElementById("add-picked").disabled = picked.size > MOST;
  document.querySelectorAll(PLOTS).forEach(listen);
}

/** A ring around each picked point; drawn again only where it is not as it should be. */
function ring(plot) {
  const names = new Set(boxes().filter((box) => box.checked).map((box) => box.dataset.name));
  if (!plot.data || (!names.size && !plot.dataset.rings)) return;
  plot.dataset.rings = "yes";
  const traces = plot.data.map((_, i) => i).filter((i) => plot.data[i].ids);
  const of = (yes, no) => traces.map((i) => plot.data[i].ids.map((id) => (names.has(id) ? yes(plot.data[i]) : no)));
  const widths = of(() => 3, 1), isDrawn = traces.every((i, at) => String(plot.data[i].marker.line?.width) === String(widths[at]));
  if (isDrawn) return;
  // The star of the dense network is drawn in the colour of text, on which a ring of that colour would not be seen.
  const seen = (trace) => colour([trace.marker.color].flat()[0] === colour("text") ? "accent" : "text");
  window.Plotly.restyle(plot, { "marker.line.width": widths, "marker.line.color": of(seen, colour("surface")) }, traces);
}

function keep() {
  if (place) sessionStorage.setItem(place, JSON.stringify([...picked]));
}

function follow(box) {
  recall();
  box.checked ? picked.add(box.value) : picked.delete(box.value);
  keep();
  show();
}

/** The table was brought again by the page: its boxes are ticked as they were. */
function restore() {
  recall();
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
  // Where the keys went last, should the focus have been lost since.
  const row = document.activeElement?.closest("[data-row]") ?? document.querySelector("[data-row].picked");
  toggle(row?.querySelector("input.pick"));
}

/** Plotly gives its charts a voice only when they are first drawn; ask when something is picked, or somebody points at one. */
function listen(plot) {
  if (!plot?.on) return;
  if (!plot.dataset.picks) {
    plot.dataset.picks = "yes";
    plot.on("plotly_click", ({ points }) => toggle(boxes().find((box) => box.dataset.name === points[0]?.id)));
    // Rows that come and another theme draw the chart anew, without rings.
    plot.on("plotly_afterplot", () => ring(plot));
  }
  ring(plot);
}

document.addEventListener("change", (event) => { if (event.target.matches("input.pick")) follow(event.target); });
document.addEventListener("reset", (event) => { if (event.target.id === "pick") { picked.clear(); keep(); setTimeout(restore); } });
document.addEventListener("submit", (event) => { if (event.target.id === "pick") send(event.target); });
document.addEventListener("keydown", onKey);
document.addEventListener("pointerover", (event) => listen(event.target.closest?.(PLOTS)));
// At once, before a key can reach a box that is not ticked yet; and when what came has settled.
document.addEventListener("htmx:afterSwap", restore);
document.addEventListener("htmx:afterSettle", restore);
// A browser that comes back may have kept the ticks.
addEventListener("pageshow", () => boxes().forEach((box) => box.checked && follow(box)));
