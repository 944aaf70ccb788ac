// One metric over a label, the newest value of each; a second metric may stand as a line across.
import { colour, nthColour, recipeColour, runColour } from "../colours.js";
import { safe } from "../words.js";

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
    const groups = [...this.bars.keys()].filter(Boolean).map((key, i) => ({ key, label: key, colour: this.#colour(key, i), mark: "square" }));
    const line = this.threshold === null ? [] : [{ key: " line", label: this.chart.line.replaceAll("_", " "), colour: colour("warn"), mark: "line", dash: "dash" }];
    return [...groups, ...line];
  }

  figure(hidden) {
    const groups = [...this.bars.entries()].filter(([key]) => !hidden.has(key));
    const names = [...new Set(groups.flatMap(([, values]) => [...values.keys()]))];
    const prefix = sharedPrefix(names), room = Math.max(8, Math.floor(70 / (names.length || 1)));
    const title = this.chart.x_title || this.chart.x;
    return {
      data: groups.map(([group, values], i) => this.#trace(group, names, values, i)),
      layout: { barmode: "group", bargap: 0.22, shapes: hidden.has(" line") ? [] : this.#line(),
                xaxis: { title: { text: prefix ? `${title} (${prefix}…)` : title }, type: "category", gridcolor: "rgba(0,0,0,0)",
                         tickangle: names.length > 6 && !prefix ? -35 : "auto", tickvals: names,
                         ticktext: names.map((name) => (names.length > 6 ? short(safe(name.slice(prefix.length)), 14) : short(safe(name.slice(prefix.length)), room * 2).replaceAll(" ", "<br>"))) },
                yaxis: { title: { text: this.chart.y_title || this.chart.y.join(", ").replaceAll("_", " ") }, rangemode: "tozero", ticksuffix: this.chart.percent ? " %" : "" } },
    };
  }

  #trace(group, names, values, index) {
    const y = names.map((name) => values.get(name) ?? null);
    const plain = group ? this.#colour(group, index) : recipeColour(this.run.recipe);
    const limit = this.threshold === null ? null : this.threshold * this.#scale;
    // Bars above the line are what it marks as special; grey, so that position and line say it, not the hue.
    const colours = y.map((value) => (limit !== null && value > limit ? colour("c8") : plain));
    return { type: "bar", name: safe(group || this.chart.title), x: names, y, marker: { color: colours },
             hovertemplate: "%{y:.3~g}<extra>%{customdata}</extra>", customdata: names.map(safe) };
  }

  /** Of several runs each keeps its colour, whichever spoke first. */
  #colour(group, index) {
    return this.run.order ? runColour(this.run.order.indexOf(group)) : nthColour(index);
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

/** `features.` when every name begins so: it is said once, under the axis. */
function sharedPrefix(names) {
  const prefix = names[0]?.slice(0, names[0].indexOf(".") + 1) ?? "";
  return prefix && names.length > 1 && names.every((name) => name.startsWith(prefix)) ? prefix : "";
}

function short(name, room) {
  return name.length <= room ? name : `…${name.slice(1 - room)}`;
}
