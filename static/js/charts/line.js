// Metrics over step: one trace for each metric and each combination of labels; label `by` chooses the colour.
import { colour, mixed, recipeColour, roundOf, runColour, wayColour } from "../colours.js";
import { axisOfOne, decimate } from "../numbers.js";
import { safe } from "../words.js";

const DASHES = ["solid", "dash", "dot", "dashdot"];  // of one colour: what differs in another label, such as a percentile
const MORE = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "2px,6px", "8px,2px,2px,2px,2px,2px"];  // of one run, where colour names the run
const CONTEXT = new Set(["train"]);  // drawn thin and grey: what is judged is the other part

const UNDASHED = new Set(["split", "variant"]);  // these have their own look where runs are compared

export class Line {
  constructor(chart, run) {
    Object.assign(this, { chart, run, traces: new Map(), groups: new Map() });
  }

  append(row) {
    const { name, value, step, labels = {} } = row.body;
    if (row.type !== "metric" || !this.chart.y.includes(name) || step === null || step === undefined) return false;
    // A place is a colour, and parts nothing.
    const { [this.chart.point]: point = "", place: _, ...parting } = labels;
    this.#put(this.#trace(name, parting), typeof step === "number" ? step / this.#per : step, value === null ? null : value * (this.chart.percent ? 100 : 1), point);
    return true;
  }

  #trace(name, labels) {
    const key = JSON.stringify([name, ...Object.entries(labels).sort()]);
    if (!this.traces.has(key)) {
      const group = String(labels[this.chart.by] ?? labels.variant ?? name);
      if (!this.groups.has(group)) this.groups.set(group, this.groups.size);
      this.traces.set(key, { name, labels, group, x: [], y: [], points: [] });
    }
    return this.traces.get(key);
  }

  get #per() { return this.chart.steps_per_x ?? 1; }

  /** Steps come in order; one that comes again replaces what was said of it, of the point of that name. */
  #put(trace, step, value, point) {
    let at = trace.x.length;
    while (at > 0 && trace.x[at - 1] >= step) {
      at -= 1;
      if (trace.x[at] === step && trace.points[at] === point) { trace.y[at] = value; return; }
    }
    trace.x.splice(at, 0, step);
    trace.y.splice(at, 0, value);
    trace.points.splice(at, 0, point);
  }

  get isEmpty() { return this.traces.size === 0; }

  get mark() { return "line"; }

  get entries() {
    return [...this.traces.entries()].map(([key, trace]) => ({ key, label: this.#label(trace), ...this.style(trace), mark: this.mark }));
  }

  figure(hidden) {
    const data = [...this.traces.entries()].filter(([key]) => !hidden.has(key)).map(([, trace]) => this.drawn(trace));
    const steps = Math.max(...[...this.traces.values()].map((trace) => trace.x.at(-1) ?? 0), 1);
    return {
      data,
      layout: { xaxis: { title: { text: this.chart.x_title || this.chart.x }, dtick: steps <= 12 && this.#per === 1 ? 1 : undefined, ...this.#scale, ...this.#ofOneStep,
                         ...([...this.traces.values()].every((trace) => (trace.x.at(-1) ?? 0) === 0) ? { range: [-0.06, 1] } : {}) },
                yaxis: { title: { text: this.chart.y_title || this.chart.y.join(", ") }, ticksuffix: this.chart.percent ? " %" : "", ...(this.chart.logarithmic ? this.#scale : this.#ofConstant) } },
    };
  }

  get #scale() { return this.chart.logarithmic ? { type: "log" } : {}; }

  get #ofOneStep() {
    return this.chart.logarithmic ? {} : axisOfOne([...this.traces.values()].flatMap((trace) => trace.x));
  }

  /** Of one value alone an axis that shows its size, from nothing to somewhat more, instead of a guess around it. */
  get #ofConstant() {
    const values = new Set([...this.traces.values()].flatMap((trace) => trace.y.filter((value) => value !== null)));
    if (values.size !== 1) return {};
    const [value] = values;
    return { range: value === 0 ? [-0.06, 1] : value > 0 ? [0, this.chart.percent && value <= 100 ? Math.min(1.25 * value, 103) : 1.25 * value] : [1.25 * value, 0] };
  }

  drawn(trace) {
    const [x, y] = decimate(trace.x, trace.y);
    const style = this.style(trace);
    return { type: "scatter", name: safe(this.#label(trace)), x, y, mode: x.length <= 40 ? "lines+markers" : "lines", connectgaps: false,
             line: { color: style.colour, width: style.thin ? 1.3 : 2, dash: style.dash }, marker: { size: style.thin ? 3.5 : this.#hasPoints && x.length === 1 ? 11 : 6, color: style.colour },
             hovertemplate: `%{y:.4~g}${this.chart.percent ? " %" : ""} at ${this.chart.x_title || this.chart.x} %{x}<extra>${this.#hasPoints ? "%{text}, " : ""}${safe(this.#label(trace))}</extra>`,
             ...(this.#hasPoints && x === trace.x ? { text: trace.points.map(safe) } : {}) };
  }

  get #hasPoints() { return Boolean(this.chart.point); }

  style(trace) {
    if (this.run.order) return this.#styleOfRun(trace);
    const thin = this.#varies("split") && CONTEXT.has(String(trace.labels.split));
    const strong = this.#strong(trace.group);
    const alone = this.#others.length <= 1 && !this.groups.has("dense");
    return { colour: thin && alone ? colour("c8") : strong, thin, dash: thin && !alone ? (this.#round(trace) % 2 ? "dashdot" : "dot") : this.#dash(trace) };
  }

  #dash(trace) {
    const alike = [...this.traces.values()].filter((other) => other.group === trace.group && other.labels.split === trace.labels.split);
    const round = this.run.placed?.has(trace.group) ? this.run.placed.among(trace.group) : this.#round(trace);
    return DASHES[(alike.indexOf(trace) + round) % DASHES.length];
  }

  #round(trace) { return roundOf(this.#others.indexOf(trace.group)); }

  /**
   * Several runs on one chart: the colour is the run's, a dense network is dotted, what was trained on is thin. Several lines of one
   * run, such as its exits, differ in their dashes, and from the ninth on they are paler too.
   */
  #styleOfRun(trace) {
    const dense = trace.labels.variant === "dense", own = runColour(this.run.order.indexOf(trace.labels.run));
    const place = dense ? 0 : this.#placeWithin(trace), pale = Math.min(0.55, 0.3 * Math.floor(place / MORE.length));
    return { colour: pale ? mixed(own, colour("surface"), pale) : own, thin: this.#varies("split") && CONTEXT.has(String(trace.labels.split)), dash: dense ? "dot" : MORE[place % MORE.length] };
  }

  /** What parts the lines of each run, such as a way or a client, is dashed alike in all of them; else as they come in each run. */
  #placeWithin(trace) {
    const label = this.chart.within;
    if (label && !UNDASHED.has(label)) {
      const every = [...new Set([...this.traces.values()].map((each) => String(each.labels[label] ?? "")))];
      return every.indexOf(String(trace.labels[label] ?? ""));
    }
    const alike = [...this.traces.values()].filter((other) => other.labels.variant !== "dense" && other.labels.run === trace.labels.run && other.labels.split === trace.labels.split);
    return alike.indexOf(trace);
  }

  /** The dense network is drawn in the colour of text, as its star is; one single other has the recipe's colour. */
  #strong(group) {
    const placed = this.run.placed?.colour(group);
    if (placed) return placed;
    if (group === "dense") return colour("text");
    const others = this.#others;
    return others.length <= 1 || this.chart.by === "split" ? recipeColour(this.run.recipe) : wayColour(group, others.indexOf(group));
  }

  get #others() { return [...this.groups.keys()].filter((group) => group !== "dense"); }

  #label(trace) {
    const names = Object.keys(trace.labels).filter((name) => name === this.chart.by || this.#varies(name));
    names.sort((a, b) => (b === this.chart.by) - (a === this.chart.by));
    const parts = names.map((name) => trace.labels[name]);
    if (this.chart.y.length > 1) parts.unshift(trace.name.replaceAll("_", " "));
    // A metric that is named after its steps is not what is read off the axes.
    return parts.join(", ") || (this.#per === 1 ? trace.name.replaceAll("_", " ") : this.chart.y_title);
  }

  #varies(label) {
    return new Set([...this.traces.values()].map((trace) => String(trace.labels[label] ?? ""))).size > 1;
  }

  table() {
    const named = this.#hasPoints;
    const rows = [...this.traces.values()].flatMap((trace) => trace.x.map((x, i) => [this.#label(trace), ...(named ? [trace.points[i]] : []), x, trace.y[i]]));
    const unit = this.chart.percent ? ", %" : "";
    return { head: ["trace", ...(named ? [this.chart.point] : []), this.chart.x_title || this.chart.x, (this.chart.y_title || this.chart.y.join(", ")) + unit], rows };
  }
}
