// Combinations of a sweep at their means, with bars of one standard deviation over seeds; colour is one swept parameter,
// the dense network a star, the Pareto line goes over the means, and a thin one over those of each colour.
import { beside } from "../beside.js";
import { colour, nthColour, recipeColour, recipeColours, runColour } from "../colours.js";
import { axisOfOne, sig, size } from "../numbers.js";
import { safe } from "../words.js";

const MOST_LABELLED = 24, STAR = 16;
// What costs: of equal accuracy less of it is better.
const LESS = ["latency_ms", "sent_bytes", "measured_memory_bytes"];

export class Spread {
  constructor(chart, run) {
    Object.assign(this, { chart, run, points: [] });
  }

  /** The server takes runs together; what it says last holds. */
  append(row) {
    if (row.type !== "points") return false;
    const said = JSON.stringify(row.body);
    if (said === this.said) return false;
    Object.assign(this, { said, points: row.body });
    return true;
  }

  get isEmpty() { return this.points.length === 0; }

  /** Beside each point stands what it was told; of many none could be read. */
  get #labelled() { return this.points.length <= MOST_LABELLED; }

  get #scale() { return this.chart.percent ? 100 : 1; }

  get #values() { return [...new Set(this.#others.map((point) => point.colour))]; }

  get #others() { return this.points.filter((point) => !point.dense); }

  #colour(value) {
    const recipe = this.chart.by === "recipe" ? this.run.recipes?.[value] : null;
    if (recipe) return recipeColours(Object.values(this.run.recipes)).get(recipe);
    // A network of which its run said it has the colour that it has there.
    const place = this.#others.find((point) => point.colour === value)?.place ?? null;
    if (place !== null) return runColour(place);
    const values = this.#values.every((each) => this.run.values?.includes(each)) ? this.run.values : this.#values;
    return values.length > 1 ? nthColour(values.indexOf(value)) : recipeColour(this.run.recipe);
  }

  get caption() {
    const seeds = this.points.map((point) => point.y.n), low = Math.min(...seeds), high = Math.max(...seeds);
    const n = low === high ? `n = ${low}` : `n = ${low} to ${high}`;
    return [high > 1 ? `mean over seeds, bars ±1 standard deviation, ${n}` : "one seed: no spread", this.points.some((point) => point.size) && "area is size", this.#labelled && this.chart.labels && `labels are ${this.chart.labels}`].filter(Boolean).join(" · ");
  }

  get entries() {
    const values = this.#values.map((value) => ({ key: `v${value}`, label: this.#label(value), colour: this.#colour(value), mark: "dot" }));
    return [...values, this.#reference && { key: "dense", label: this.#reference.name, colour: colour("text"), mark: "star" },
            this.#fronts.length > 0 && { key: "fronts", label: "Pareto of each", colour: colour("muted"), mark: "line", thin: true, dash: "dash" },
            this.#front.length > 1 && { key: "pareto", label: this.#fronts.length ? "Pareto of all" : "Pareto", colour: colour("muted"), mark: "line", dash: "dot" }].filter(Boolean);
  }

  #label(value) {
    if (!value) return this.run.title;
    return ["recipe", "network"].includes(this.chart.by) ? value : `${this.chart.by} ${value}`;
  }

  /** The Pareto line of each colour that has more than one point on it, where there are several colours, each of many networks. */
  get #fronts() {
    if (this.#values.length < 2 || this.chart.by === "network") return [];
    return this.#values.map((value) => [value, this.#over(this.#others.filter((point) => point.colour === value))]).filter(([, front]) => front.length > 1);
  }

  get #reference() { return this.points.find((point) => point.dense); }

  get #front() { return this.#over(this.points); }

  #over(points) {
    if (!LESS.includes(this.chart.x)) return [];
    const sorted = [...points].sort((a, b) => a.x.mean - b.x.mean || b.y.mean - a.y.mean);
    let best = -Infinity;
    return sorted.filter((point) => { const wins = point.y.mean > best; if (wins) best = point.y.mean; return wins; });
  }

  figure(hidden, size) {
    this.room = size;
    const front = this.#front;
    const line = this.#line(front, "Pareto", { color: colour("muted"), width: 1.3, dash: "dot" });
    const each = hidden.has("fronts") ? [] : this.#fronts.filter(([value]) => !hidden.has(`v${value}`))
      .map(([value, points]) => this.#line(points, safe(value), { color: this.#colour(value), width: 1, dash: "dash" }));
    const groups = this.#values.filter((value) => !hidden.has(`v${value}`)).map((value) => this.#trace(this.#others.filter((point) => point.colour === value), value));
    const dense = hidden.has("dense") ? [] : [this.#trace(this.points.filter((point) => point.dense), "dense", true)];
    return {
      data: [...each, ...(hidden.has("pareto") || front.length < 2 ? [] : [line]), ...groups, ...dense],
      layout: { xaxis: { title: { text: this.chart.x_title }, ...axisOfOne(this.points.map((point) => point.x.mean)) }, yaxis: { title: { text: this.chart.y_title }, ticksuffix: this.chart.percent ? " %" : "" } },
    };
  }

  #line(points, name, look) {
    return { type: "scatter", mode: "lines", name, x: points.map((p) => p.x.mean), y: points.map((p) => p.y.mean * this.#scale),
             line: { ...look, shape: "hv" }, hoverinfo: "skip" };
  }

  #trace(points, name, star = false) {
    const strong = star ? colour("text") : this.#colour(name), places = this.#beside;
    const bars = (axis, scale) => ({ type: "data", array: points.map((p) => (p[axis].sd ?? 0) * scale), color: strong, thickness: 1.2, width: 4 });
    return {
      type: "scatter", mode: this.#labelled ? "markers+text" : "markers", name: safe(name), text: this.#labelled ? points.map((p) => (places.has(p) ? safe(p.short) : "")) : undefined,
      textposition: points.map((p) => places.get(p) ?? "top right"), textfont: { size: 11, color: colour("muted") }, x: points.map((p) => p.x.mean), y: points.map((p) => p.y.mean * this.#scale),
      error_x: bars("x", 1), error_y: bars("y", this.#scale), ids: points.map((p) => p.label),
      customdata: points.map((p) => [this.#hover(p), p.variant]), hovertemplate: "%{customdata[0]}<extra></extra>", cliponaxis: false,
      marker: star ? { symbol: "star", size: STAR, color: strong }
        : { size: points.map((p) => this.#size(p)), color: strong, opacity: 0.85, line: { width: 1, color: colour("surface") } },
    };
  }

  /** Where what stands beside each point does. */
  get #beside() {
    if (!this.#labelled) return new Map();
    const ends = ({ mean, sd }) => [mean - (sd ?? 0), mean + (sd ?? 0)];
    return beside(this.points.map((point) => ({ key: point, name: point.short ?? "", x: point.x.mean, y: point.y.mean, xs: ends(point.x), ys: ends(point.y), r: this.#size(point) / 2 })), this.room);
  }

  #size(point) {
    const largest = Math.max(...this.points.map((each) => each.size ?? 0), 1);
    return point.dense ? STAR : Math.max(9, 26 * Math.sqrt((point.size ?? 0) / largest));
  }

  #hover(point) {
    const said = (what, scale, unit) => `${sig(what.mean * scale)}${what.sd === null ? "" : ` ± ${sig(what.sd * scale)}`}${unit} (n = ${what.n})`;
    return [safe(point.label), said(point.y, this.#scale, this.chart.percent ? " %" : ""),
            `${safe(this.chart.x_title)}: ${said(point.x, 1, "")}`, safe(point.noise ?? ""), point.size ? size(point.size) : "", `runs ${point.runs.join(", ")}`].filter(Boolean).join("<br>");
  }

  table() {
    const unit = this.chart.percent ? ", %" : "";
    const head = ["combination", "variant", "n", this.chart.x_title, "± sd", this.chart.y_title + unit, "± sd", "size, bytes", "noise"];
    const scaled = (value) => (value === null ? null : value * this.#scale);
    return { head, rows: this.points.map((p) => [p.label, p.name, p.y.n, p.x.mean, p.x.sd, scaled(p.y.mean), scaled(p.y.sd), p.size, p.noise]) };
  }
}
