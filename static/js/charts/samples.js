// Every single measurement as a point, in the order it was made: drift, outliers and two-peaked noise are seen at once. The
// percentiles, where the chart names such a metric as its line, stand across in the colour of their group.
import { nthColour } from "../colours.js";
import { decimate } from "../numbers.js";
import { safe } from "../words.js";
import { Line } from "./line.js";

const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "cross"];
const DASHES = { p50: "solid", p95: "dash", p99: "dot" };

export class Samples extends Line {
  constructor(chart, run) {
    super(chart, run);
    this.levels = new Map();
  }

  append(row) {
    const { name, value, labels = {} } = row.body;
    if (row.type !== "metric" || !this.chart.line || name !== this.chart.line) return super.append(row);
    this.levels.set(JSON.stringify([labels[this.chart.by], labels.percentile]), { group: String(labels[this.chart.by] ?? ""), percentile: String(labels.percentile ?? ""), value });
    return true;
  }

  figure(hidden) {
    const drawn = super.figure(hidden);
    const shown = new Set([...this.traces.entries()].filter(([key]) => !hidden.has(key)).map(([, trace]) => trace.group));
    const last = Math.max(...[...this.traces.values()].map((trace) => trace.x.at(-1) ?? 0), 1);
    const levels = this.#sorted.filter(({ group, value }) => value !== null && shown.has(group));
    return { ...drawn, data: [...drawn.data, ...levels.map((level) => this.#line(level, last, shown.size > 1))] };
  }

  get #sorted() { return [...this.levels.values()].sort((a, b) => a.group.localeCompare(b.group) || a.percentile.localeCompare(b.percentile)); }

  #line({ group, percentile, value }, last, isOneOfMany) {
    const index = this.groups.get(group) ?? 0;
    const label = [percentile, isOneOfMany && group].filter(Boolean).join(", ");
    return { type: "scatter", mode: "lines", name: safe(label), x: [0, last], y: [value, value], line: { color: nthColour(index), width: 1.6, dash: DASHES[percentile] ?? "dash" },
             hovertemplate: `%{y:.4~g}<extra>${safe(label)}</extra>` };
  }

  drawn(trace) {
    const [x, y] = decimate(trace.x, trace.y);
    const style = this.style(trace);
    return { ...super.drawn(trace), x, y, mode: "markers", marker: { size: 5, opacity: 0.75, color: style.colour, symbol: style.symbol } };
  }

  style(trace) {
    const index = this.groups.get(trace.group);
    return { colour: nthColour(index), thin: false, dash: "solid", symbol: SYMBOLS[index % SYMBOLS.length] };
  }

  /** A run that timed very many inferences says only one of so many; its file has all. */
  get caption() {
    const apart = Math.max(...[...this.traces.values()].map((trace) => (trace.x.length > 1 ? trace.x[1] - trace.x[0] : 1)), 1);
    const said = [apart > 1 && `one in ${apart} inferences is drawn; the file of samples has all`,
                  this.levels.size && "lines across: p50 solid, p95 dashed, p99 dotted"];
    return said.filter(Boolean).join(" · ");
  }

  get mark() { return "dot"; }

  /** The percentiles stand under the samples. */
  table() {
    const found = super.table();
    return { ...found, rows: [...found.rows, ...this.#sorted.map(({ group, percentile, value }) => [`${percentile} of ${group}`, "", value])] };
  }
}
