// The page of a run: one stream feeds charts and log; head, variants and files are fragments asked for when something changed.
import { Charts } from "./charts.js";
import { bring, spare } from "./held.js";
import { Log } from "./log.js";
import { SIGNED_OUT, Stream } from "./stream.js";
import { adoptFiles } from "./text_file.js";

const FRAGMENT_MS = 1000;
const AGEING_MS = 5000;
const LIVE = new Set(["queued", "running", "cancelling"]);
const FRAGMENTS = {
  head: new Set(["status", "progress", "variant", "measured", "metric", "started", "finished", "failed", "cancelled", "changed"]),
  variants: new Set(["variant", "measured", "metric", "status"]),
  files: new Set(["file", "variant", "status"]),
  environment: new Set(["started", "status"]),
  blocks: new Set(["metric", "file", "status"]),
};
// Of these a part is brought anew, once all of it is there: what stands around the part keeps its state.
const PARTS = { blocks: "blocks-card" };

class Fragment {
  constructor(id, address) {
    Object.assign(this, { id, address, asked: 0, timer: 0 });
    spare(PARTS[id] ?? id, isHeld, () => this.refresh());
  }

  /** Ask for it once a second at most; the last change is never left out. */
  refresh() {
    if (this.timer) return;
    this.timer = setTimeout(() => this.#load(), Math.max(120, this.asked + FRAGMENT_MS - Date.now()));
  }

  #load() {
    this.timer = 0;
    this.asked = Date.now();
    if (document.visibilityState === "hidden") return void document.addEventListener("visibilitychange", () => this.refresh(), { once: true });
    const part = PARTS[this.id], query = part ? location.search.slice(1) : document.getElementById(this.id)?.dataset.query;
    if (isHeld(document.getElementById(this.id))) return this.refresh();
    const place = document.getElementById(part) ? part : this.id;
    bring(place, this.address + (query ? `?${query}` : ""), part ? { select: `#${place}` } : {});
  }
}

/** Somebody reads or fills in what unfolds there: it is brought when they have done. */
function isHeld(fragment) {
  return Boolean(fragment?.querySelector("details[open]"));
}

function start() {
  const run = JSON.parse(document.getElementById("run-config").textContent);
  const charts = new Charts(document.getElementById("charts"), run);
  const log = new Log(document.getElementById("log"));
  const fragments = Object.fromEntries(Object.keys(FRAGMENTS).filter((id) => run[id]).map((id) => [id, new Fragment(id, run[id])]));
  let status = run.status;

  const stream = new Stream(run.stream, { onState: (...said) => showLink(said, status, charts), onEvents: (rows) => {
    charts.append(rows);
    log.append(rows);
    for (const [id, fragment] of Object.entries(fragments)) if (rows.some((row) => FRAGMENTS[id].has(row.type))) fragment.refresh();
    const said = rows.findLast((row) => row.type === "status")?.body.status;
    if (said && said !== status) announce(`The run is ${said}.`);
    const before = status;
    status = said ?? status;
    if (status !== before) {
      if (!LIVE.has(status)) document.getElementById("live-change")?.remove();
      if (stream.state) showLink([stream.state, stream.detail], status, charts);
    }
  } });
  // Waiting, silence and time to go grow older without any event.
  setInterval(() => { if (LIVE.has(status) && stream.state !== "offline") fragments.head.refresh(); }, AGEING_MS);
}

/** What of the run is here: all of one that has ended, or the state of the connection that brings the rest. */
function showLink([state, detail], status, charts) {
  if (detail === SIGNED_OUT) return location.assign(`/sign-in/?next=${encodeURIComponent(location.pathname + location.search)}`);
  const isComplete = !LIVE.has(status) && (state === "live" || state === "polling");
  if (isComplete) charts.hideEmpty();
  show(isComplete ? "complete" : state, isComplete ? "" : detail);
}

function show(state, detail) {
  const place = document.getElementById("link-state");
  place.hidden = false;
  place.dataset.state = state;
  place.textContent = detail ? `${state}: ${detail}` : state;
  if (state === "offline") announce(`The connection is lost. ${detail}`);
}

function announce(text) {
  document.getElementById("announce").textContent = text;
}

start();
adoptFiles();
