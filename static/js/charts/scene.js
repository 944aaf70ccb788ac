// A picture of boxes for each step, the newest or one that is chosen: what is really there in thin grey, what is shown of it in the
// colour of whoever found it. Boxes come packed, as worker/detection/packing.py writes them: eight signs a box.
import { colour, runColour } from "../colours.js";
import { sig } from "../numbers.js";
import { safe } from "../words.js";

const SIGNS = 8, BASE = 36, MOST = BASE ** 2 - 1, PLAY_MS = 100;
const TRUTH = "what is there";

export class Scene {
  constructor(chart, run) {
    Object.assign(this, { chart, run, steps: [], kinds: new Map(), chosen: null });
  }

  append(row) {
    const { name, step, labels = {} } = row.body;
    if (row.type !== "metric" || !this.chart.y.includes(name) || labels.boxes === undefined || step === null) return false;
    const kind = String(labels[this.chart.by] ?? name);
    if (!this.kinds.has(kind)) this.kinds.set(kind, labels.place ?? this.kinds.size);
    this.#put({ step, kind, ...labels });
    this.#control();
    return this.chosen === null || this.chosen === step;
  }

  /** Steps come in order; one that comes again replaces what was said of it. */
  #put(said) {
    let at = this.steps.length;
    while (at > 0 && this.steps[at - 1].step > said.step) at -= 1;
    if (at > 0 && this.steps[at - 1].step === said.step) this.steps[at - 1] = said;
    else this.steps.splice(at, 0, said);
  }

  get isEmpty() { return this.steps.length === 0; }

  get #now() { return this.steps.find(({ step }) => step === this.chosen) ?? this.steps.at(-1); }

  get caption() {
    const { step, kind, at, old } = this.#now;
    return `frame ${step}, ${sig(at)} s · ${kind}${old > 0 ? `, boxes ${old} ${old === 1 ? "frame" : "frames"} old` : ""}`;
  }

  get entries() {
    const truth = this.steps.some((each) => each.truth !== undefined) ? [{ key: TRUTH, label: TRUTH, colour: colour("c8"), mark: "line", thin: true }] : [];
    return [...truth, ...[...this.kinds].map(([kind, place]) => ({ key: kind, label: kind, colour: runColour(place), mark: "line" }))];
  }

  figure(hidden) {
    const now = this.#now, own = runColour(this.kinds.get(now.kind));
    const drawn = [now.truth !== undefined && !hidden.has(TRUTH) && this.#trace(now, "truth", { name: TRUTH, line: { color: colour("c8"), width: 1 } }),
                   !hidden.has(now.kind) && this.#trace(now, "boxes", { name: safe(now.kind), line: { color: own, width: 2 } })];
    const edge = { showgrid: false, showticklabels: false, ticks: "", zeroline: false, fixedrange: true, showline: true, mirror: true, linecolor: colour("line-strong") };
    return { data: drawn.filter(Boolean), layout: { margin: { l: 8, r: 8, t: 8, b: 8 }, xaxis: { ...edge, range: [0, now.width], constrain: "domain" },
                                                    yaxis: { ...edge, range: [now.height, 0], scaleanchor: "x", constrain: "domain" } } };
  }

  /** All boxes as one broken line. */
  #trace(now, field, style) {
    const x = [], y = [];
    for (const [left, top, right, bottom] of unpacked(now[field], now)) {
      x.push(left, right, right, left, left, null);
      y.push(top, top, bottom, bottom, top, null);
    }
    return { type: "scatter", mode: "lines", x, y, hoverinfo: "name", ...style };
  }

  table() {
    const now = this.#now;
    const rows = ["truth", "boxes"].flatMap((field) => unpacked(now[field] ?? "", now).map(([left, top, right, bottom]) => [
      field === "truth" ? TRUTH : now.kind, left, top, right - left, bottom - top].map((each) => (typeof each === "number" ? Math.round(10 * each) / 10 : each))));
    return { head: [`frame ${now.step}`, "left, px", "top, px", "width, px", "height, px"], rows };
  }

  /** To go back to a step, or to see all of them one after the other; `redraw` is called where another one is chosen. */
  controls(redraw) {
    this.redraw = redraw;
    this.slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 0, value: 0, disabled: true });
    this.slider.setAttribute("aria-label", `${this.chart.title}: frame`);
    this.button = Object.assign(document.createElement("button"), { type: "button", className: "tool", textContent: "play", disabled: true });
    this.button.setAttribute("aria-label", `${this.chart.title}: play`);
    this.slider.addEventListener("input", () => { this.#stop(); this.#choose(Number(this.slider.value)); });
    this.button.addEventListener("click", () => (this.playing ? this.#stop() : this.#play()));
    const bar = document.createElement("div");
    bar.className = "steps";
    bar.append(this.button, this.slider);
    return bar;
  }

  /** At its end the slider follows what comes. */
  #control() {
    if (!this.slider) return;
    const at = this.chosen === null ? this.steps.length - 1 : this.steps.findIndex(({ step }) => step === this.chosen);
    this.slider.max = this.steps.length - 1;
    this.slider.value = at;
    this.slider.disabled = this.button.disabled = this.steps.length < 2;
  }

  #choose(place) {
    this.chosen = place >= this.steps.length - 1 ? null : this.steps[place].step;
    this.#control();
    this.slider.setAttribute("aria-valuetext", this.caption);
    this.redraw();
  }

  #play() {
    let place = this.chosen === null ? 0 : Number(this.slider.value);
    this.#say("stop");
    this.playing = setInterval(() => {
      place += 1;
      this.#choose(place);
      if (place >= this.steps.length - 1) this.#stop();
    }, PLAY_MS);
    this.#choose(place);
  }

  #stop() {
    clearInterval(this.playing);
    this.playing = 0;
    this.#say("play");
  }

  #say(word) {
    this.button.textContent = word;
    this.button.setAttribute("aria-label", `${this.chart.title}: ${word}`);
  }
}

/** Left, top, right and bottom of each box, in pixels of the picture. */
function unpacked(text, { width, height }) {
  const found = [];
  for (let at = 0; at + SIGNS <= text.length; at += SIGNS) {
    const [left, top, right, bottom] = [0, 2, 4, 6].map((place) => parseInt(text.slice(at + place, at + place + 2), BASE) / MOST);
    found.push([left * width, top * height, right * width, bottom * height]);
  }
  return found;
}
