// The page side of uploads: files dropped anywhere or chosen, their progress, and the list that follows the team's stream.
import { bring, spare } from "./held.js";
import { Stream, SIGNED_OUT } from "./stream.js";
import { together } from "./upload_bundle.js";
import { Sending } from "./upload_sending.js";

const REFRESH_MS = 250, AGAIN_MS = 2000;
const LEAVE = ["INPUT", "SELECT", "TEXTAREA"];
const $ = (id) => document.getElementById(id);

const config = JSON.parse($("upload-config").textContent);
const token = document.querySelector("#upload-options [name=csrfmiddlewaretoken]").value;

/** What the form says of the file; the API checks it. */
function options() {
  const form = $("upload-options").elements;
  const said = {};
  for (const name of ["name", "description", "architecture"]) if (form[name]?.value.trim()) said[name] = form[name].value.trim();
  if (form.classes?.value) said.classes = Number(form.classes.value);
  // What is no shape is sent all the same: the answer says what is wrong with it.
  if (form.in_shape?.value.trim()) said.in_shape = (form.in_shape.value.match(/\d+/g) ?? []).map(Number);
  if (form.footage?.value.trim()) said.footage = (form.footage.value.match(/\d+(\.\d+)?/g) ?? []).map(Number);
  if (config.model) said.model = config.model;
  return said;
}

function announce(text) {
  $("upload-said").textContent = text;
}

/** One after the other: two at once would only share the line. */
const waiting = [];
let isSending = false;

async function send() {
  if (isSending) return;
  isSending = true;
  try {
    while (waiting.length) await waiting.shift().run();
  } finally {
    isSending = false;
  }
}

function take(files) {
  const dropped = config.kind === "model" ? together([...files]) : files;
  for (const file of dropped) waiting.push(new Sending(file, { ...config, token, options: options(), list: $("sending"), announce, changed: refresh }));
  send();
}

let timer = 0;

/** The list as the server has it; not while somebody fills in a form of it, or is asked once more. */
function refresh() {
  if (timer) return;
  timer = setTimeout(() => {
    timer = 0;
    if (isHeld($("uploads"))) return later();
    bring("uploads", config.list);
  }, REFRESH_MS);
}

function isHeld(place) {
  const at = document.activeElement;
  return Boolean(place) && ((LEAVE.includes(at?.tagName) && place.contains(at)) || Boolean(place.querySelector(".sure[open]")));
}

function later() {
  timer ||= setTimeout(() => { timer = 0; refresh(); }, AGAIN_MS);
}

/** What was typed into forms of the list, by the fields' names, which begin with their upload's id. */
const typed = new Map();

function keep({ target }) {
  if (target.name && target.closest("#uploads")) typed.set(target.name, target.type === "checkbox" ? target.checked : target.value);
}

/** The list came anew: nothing typed is lost. */
function retype() {
  for (const field of document.querySelectorAll("#uploads :is(input, select)")) {
    if (!typed.has(field.name)) continue;
    if (field.type === "checkbox") field.checked = typed.get(field.name);
    else field.value = typed.get(field.name);
  }
}

/** A file that this very page sends has its row above already. */
function hideWhatIsSentHere() {
  const here = new Set([...document.querySelectorAll("#sending [data-sending]")].map((row) => row.dataset.sending));
  const rows = [...document.querySelectorAll("#uploads [data-upload]")];
  for (const row of rows) row.hidden = here.has(row.dataset.upload);
  $("uploads").hidden = rows.every((row) => row.hidden);
}

/** What has come of an upload stands in the page's own table. */
function refreshTable() {
  // And its number in the rail.
  htmx.ajax("GET", location.pathname + location.search, { source: ".places", target: ".places", select: ".places", swap: "outerHTML" });
  if (!$("list")) return;
  bring("table", location.pathname + location.search, { select: "#table" });
}

function hear(rows) {
  const mine = rows.filter((row) => (row.type === "upload" || row.type === "checking") && row.body.kind === config.kind);
  if (!mine.length) return;
  refresh();
  for (const { body } of mine.filter((row) => row.type === "upload")) {
    if (body.state === "ready") { announce("The file is ready."); refreshTable(); }
    if (body.state === "refused") announce(`Refused. ${body.why ?? ""}`);
  }
}

function listen() {
  const goes = (word, detail) => { if (detail === SIGNED_OUT) location.assign(`${config.signIn}?next=${encodeURIComponent(location.pathname)}`); };
  new Stream(config.stream, { after: config.head, onEvents: hear, onState: goes });
}

function watchDrops() {
  let depth = 0;
  const isFiles = (event) => event.dataTransfer?.types.includes("Files");
  const show = (by) => { depth = Math.max(0, depth + by); document.body.classList.toggle("dropping", depth > 0); };
  document.addEventListener("dragenter", (event) => { if (isFiles(event)) show(1); });
  document.addEventListener("dragleave", (event) => { if (isFiles(event)) show(-1); });
  document.addEventListener("dragover", (event) => { if (isFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    show(-depth);
    take(event.dataTransfer.files);
  });
}

document.addEventListener("input", keep);
spare("uploads", isHeld, later);
// At once, before anybody can type into a field that came empty.
document.addEventListener("htmx:afterSwap", ({ target }) => { if (target.id === "uploads") { retype(); hideWhatIsSentHere(); } });
$("upload-options").addEventListener("submit", (event) => event.preventDefault());
$("upload-file").addEventListener("change", ({ target }) => { take([...target.files]); target.value = ""; });
window.addEventListener("beforeunload", (event) => { if (isSending) event.preventDefault(); });
watchDrops();
listen();
