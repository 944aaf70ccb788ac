// Combinations of a sweep at their means, with bars of one standard deviation over seeds; colour is one swept parameter,
// the dense network a star, the Pareto line goes over the means.
import { colour, nthColour, recipeColour } from "../colours.js";
import { sig, size } from "../numbers.js";
import { safe } from "../words.js";

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

  get #scale() { return this.chart.percent ? 100 : 1; }

  get #values() { return [...new Set(this.#others.map((point) => point.colour))]; }

  get #others() { return this.points.filter((point) => !point.dense); }

  #colour(value) {
    return this.#values.length > 1 ? nthColour(this.#values.indexOf(value)) : recipeColour(this.run.recipe);
  }

  get caption() {
    const seeds = this.points.map((point) => point.y.n), low = Math.min(...seeds), high = Math.max(...seeds);
    const n = low === high ? `n = ${low}` : `n = ${low} to ${high}`;
    return [high > 1 ? `mean over seeds, bars ±1 standard deviation, ${n}` : "one seed: no spread", this.points.some((point) => point.size) && "area is size"].filter(Boolean).join(" · ");
  }

  get entries() {
    const values = this.#values.map((value) => ({ key: `v${value}`, label: value ? `${this.chart.by} ${value}` : this.run.title, colour: this.#colour(value), mark: "dot" }));
    return [...values, this.#reference && { key: "dense", label: this.#reference.name, colour: colour("text"), mark: "star" },
            this.#front.length > 1 && { key: "pareto", label: "Pareto", colour: colour("muted"), mark: "line", dash: "dot" }].filter(Boolean);
  }

  get #reference() { return this.points.find((point) => point.dense); }

  get #front() {
    if (this.chart.x !== "latency_ms") return [];
    const sorted = [...this.points].sort((a, b) => a.x.mean - b.x.mean || b.y.mean - a.y.mean);
    let best = -Infinity;
    return sorted.filter((point) => { const wins = point.y.mean > best; if (wins) best = point.y.mean; return wins; });
  }

  figure(hidden) {
    const front = this.#front;
    const line = { type: "scatter", mode: "lines", name: "Pareto", x: front.map((p) => p.x.mean), y: front.map((p) => p.y.mean * this.#scale),
                   line: { color: colour("muted"), width: 1.3, dash: "dot", shape: "hv" }, hoverinfo: "skip" };
    const groups = this.#values.filter((value) => !hidden.has(`v${value}`)).map((value) => this.#trace(this.#others.filter((point) => point.colour === value), value));
    const dense = hidden.has("dense") ? [] : [this.#trace(this.points.filter((point) => point.dense), "dense", true)];
    return {
      data: [...(hidden.has("pareto") || front.length < 2 ? [] : [line]), ...groups, ...dense],
      layout: { xaxis: { title: { text: this.chart.x_title } }, yaxis: { title: { text: this.chart.y_title }, ticksuffix: this.chart.percent ? " %" : "" } },
    };
  }

  #trace(points, name, star = false) {
    const strong = star ? colour("text") : this.#colour(name);
    const largest = Math.max(...this.points.map((point) => point.size ?? 0), 1);
    const bars = (axis, scale) => ({ type: "data", array: points.map((p) => (p[axis].sd ?? 0) * scale), color: strong, thickness: 1.2, width: 4 });
    return {
      type: "scatter", mode: "markers", name: safe(name), x: points.map((p) => p.x.mean), y: points.map((p) => p.y.mean * this.#scale),
      error_x: bars("x", 1), error_y: bars("y", this.#scale), ids: points.map((p) => p.label),
      customdata: points.map((p) => [this.#hover(p), p.variant]), hovertemplate: "%{customdata[0]}<extra></extra>", cliponaxis: false,
      marker: star ? { symbol: "star", size: 16, color: strong }
        : { size: points.map((p) => Math.max(9, 26 * Math.sqrt((p.size ?? 0) / largest))), color: strong, opacity: 0.85, line: { width: 1, color: colour("surface") } },
    };
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
