// Who wins from where to where: one strip on a logarithmic axis, numbered, with what is so now marked at 1.
import { colour, nthColour } from "../colours.js";
import { sig } from "../numbers.js";
import { safe } from "../words.js";

// Written under an axis that spans no more than a hundredfold; on a longer one the powers of ten are.
const TIMES = [0.125, 0.25, 0.5, 1, 2, 4, 8], DECADES = 2;
// So near to the dashed line, as a share of the axis, a number would stand on it.
const NEAR = 0.03;

export class Bands {
  constructor(chart, run) {
    Object.assign(this, { chart, run, bands: new Map() });
  }

  append(row) {
    const { name, value, labels = {} } = row.body;
    if (row.type !== "metric" || !this.chart.y.includes(name) || !(labels.low > 0) || !(labels.high > labels.low)) return false;
    this.bands.set(`${labels.low}\n${labels[this.chart.by]}`, { low: labels.low, high: labels.high, who: String(labels[this.chart.by] ?? ""), value });
    return true;
  }

  get isEmpty() { return this.bands.size === 0; }

  get #sorted() { return [...this.bands.entries()].sort(([, a], [, b]) => a.low - b.low); }

  /** The same one keeps its colour where it wins again. */
  #colour(who) {
    return this.run?.placed?.colour(who) ?? nthColour([...new Set(this.#sorted.map(([, band]) => band.who))].indexOf(who));
  }

  /** Without a number: those on the strip are the bands'. */
  get caption() { return this.#now(this.#sorted.map(([, band]) => band)).length ? "The dashed line: as it was in this run. Left of it less, right of it more." : ""; }

  get entries() {
    const every = this.#sorted;
    return every.map(([key, band], i) => ({ key, label: every.length > 1 ? `${i + 1}: ${sig(band.low)} to ${sig(band.high)} times, ${band.who}` : `1: ${band.who} all the way, from ${sig(band.low)} to ${sig(band.high)} times`, colour: this.#colour(band.who), mark: "square" }));
  }

  figure(hidden) {
    const all = this.#sorted.map(([key, band], i) => ({ ...band, key, number: i + 1 }));
    const shown = all.filter(({ key }) => !hidden.has(key));
    const ends = [Math.log10(all[0].low), Math.log10(all.at(-1).high)];
    return {
      data: shown.map((band) => this.#trace(band, ends)),
      layout: { barmode: "overlay", bargap: 0.35, shapes: this.#now(all),
                xaxis: { type: "log", range: ends, ...ticks(ends), title: { text: this.chart.x_title || this.chart.x } },
                yaxis: { visible: false, type: "category", fixedrange: true } },
    };
  }

  #trace({ low, high, who, value, number }, ends) {
    return { type: "bar", orientation: "h", name: safe(who), y: [""], x: [high - low], base: [low], marker: { color: this.#colour(who), line: { color: colour("surface"), width: 2 } },
             text: [String(number)], textposition: "inside", insidetextanchor: anchor(low, high, ends), insidetextfont: { color: colour("surface"), size: 14 }, textangle: 0,
             customdata: [safe(`${number}: ${who}, from ${sig(low)} to ${sig(high)} times${value === null ? "" : `, ${sig(value)} ${this.chart.y_title || "ms as it is now"}`}`)], hovertemplate: "%{customdata}<extra></extra>" };
  }

  #now(all) {
    if (!all.length) return [];
    const [low, high] = [all[0].low, all.at(-1).high];
    return low <= 1 && 1 <= high ? [{ type: "line", yref: "paper", y0: 0, y1: 1, x0: 1, x1: 1, line: { color: colour("text"), width: 1.6, dash: "dash" } }] : [];
  }

  table() {
    const head = [this.chart.by || "who", "from", "to", this.chart.y_title || this.chart.y.join(", ")];
    return { head, rows: this.#sorted.map(([, band]) => [band.who, band.low, band.high, band.value]) };
  }
}

/** As many as tell how far one goes: on an axis of a few times one tick alone would say nothing. */
function ticks([low, high]) {
  const found = TIMES.filter((times) => Math.log10(times) >= low - 1e-6 && Math.log10(times) <= high + 1e-6);
  if (high - low > DECADES || found.length < 3) return { dtick: high - low > 1 ? 1 : undefined };
  return { tickmode: "array", tickvals: found, ticktext: found.map(String) };
}

/** The middle of a band, but where what is so now is marked there. */
function anchor(low, high, ends) {
  const middle = (Math.log10(low) + Math.log10(high)) / 2;
  return Math.abs(middle) < NEAR * (ends[1] - ends[0]) ? "start" : "middle";
}
