// One metric over a label, the newest value of each; a second metric may stand as a line across.
import { colour, recipeColour } from "../colours.js";

export class Bars {
  constructor(chart, run) {
    Object.assign(this, { chart, run, bars: new Map(), threshold: null });
  }

  append(row) {
    const { name, value, labels = {} } = row.body;
    if (row.type !== "metric") return false;
    if (this.chart.line && name === this.chart.line) { this.threshold = value; return true; }
    if (!this.chart.y.includes(name) || labels[this.chart.x] === undefined) return false;
    const group = this.chart.by ? String(labels[this.chart.by] ?? "") : "";
    if (!this.bars.has(group)) this.bars.set(group, new Map());
    this.bars.get(group).set(String(labels[this.chart.x]), value === null ? null : value * this.#scale);
    return true;
  }

  get #scale() { return this.chart.percent ? 100 : 1; }

  get isEmpty() { return this.bars.size === 0; }

  get entries() {
    const groups = [...this.bars.keys()].filter(Boolean).map((key, i) => ({ key, label: key, colour: colour(`c${1 + (i % 7)}`), mark: "square" }));
    const line = this.threshold === null ? [] : [{ key: " line", label: this.chart.line.replaceAll("_", " "), colour: colour("warn"), mark: "line", dash: "dash" }];
    return [...groups, ...line];
  }

  figure(hidden) {
    const groups = [...this.bars.entries()].filter(([key]) => !hidden.has(key));
    const names = [...new Set(groups.flatMap(([, values]) => [...values.keys()]))];
    return {
      data: groups.map(([group, values], i) => this.#trace(group, names, values, i)),
      layout: { barmode: "group", bargap: 0.22, shapes: hidden.has(" line") ? [] : this.#line(),
                xaxis: { title: { text: this.chart.x_title || this.chart.x }, type: "category", tickangle: "auto", gridcolor: "transparent",
                         tickvals: names, ticktext: names.map(short) },
                yaxis: { title: { text: this.chart.y_title || this.chart.y.join(", ").replaceAll("_", " ") }, rangemode: "tozero", ticksuffix: this.chart.percent ? " %" : "" } },
    };
  }

  #trace(group, names, values, index) {
    const y = names.map((name) => values.get(name) ?? null);
    const plain = group ? colour(`c${1 + (index % 7)}`) : recipeColour(this.run.recipe);
    const limit = this.threshold === null ? null : this.threshold * this.#scale;
    // Bars above the line are what it marks as special; grey, so that position and line say it, not the hue.
    const colours = y.map((value) => (limit !== null && value > limit ? colour("c8") : plain));
    return { type: "bar", name: group || this.chart.title, x: names, y, marker: { color: colours },
             hovertemplate: "%{y:.3~g}<extra>%{x}</extra>" };
  }

  #line() {
    if (this.threshold === null) return [];
    const y = this.threshold * this.#scale;
    return [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color: colour("warn"), width: 1.5, dash: "dash" } }];
  }

  table() {
    const rows = [...this.bars.entries()].flatMap(([group, values]) => [...values].map(([name, value]) => (group ? [group, name, value] : [name, value])));
    const head = [this.chart.x_title || this.chart.x, this.chart.y_title || this.chart.y.join(", ").replaceAll("_", " ")];
    return { head: this.chart.by && this.bars.size && ![...this.bars.keys()].includes("") ? [this.chart.by, ...head] : head, rows };
  }
}

function short(name) {
  return name.length <= 14 ? name : `…${name.slice(-13)}`;
}
