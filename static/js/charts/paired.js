// Differences from a baseline: the mean of each with its 95 % interval, every seed as a small mark, and a line at no difference.
import { colour, nthColour, recipeColours } from "../colours.js";
import { sig } from "../numbers.js";
import { safe } from "../words.js";

export class Paired {
  constructor(chart, run) {
    Object.assign(this, { chart, run, arms: [] });
  }

  /** The server computes the test; what it says last holds. */
  append(row) {
    if (row.type !== "paired") return false;
    const said = JSON.stringify(row.body);
    if (said === this.said) return false;
    Object.assign(this, { said, arms: row.body });
    return true;
  }

  get isEmpty() { return this.arms.length === 0; }

  #colour(arm) {
    const recipe = this.chart.by === "recipe" ? this.run.recipes?.[arm.arm] : null;
    if (recipe) return recipeColours(Object.values(this.run.recipes)).get(recipe);
    return this.chart.plain ? colour("text") : nthColour((this.run.values ?? this.arms.map((each) => each.arm)).indexOf(arm.arm));
  }

  #label(arm) { return this.chart.by === "recipe" ? arm.arm : `${this.chart.by} ${arm.arm}`; }

  get caption() {
    const seeds = this.arms.map((arm) => arm.n), low = Math.min(...seeds), high = Math.max(...seeds);
    return `${this.chart.held}: mean difference with its 95 % interval, small marks are seeds, n = ${low === high ? low : `${low} to ${high}`}`;
  }

  get entries() {
    return this.arms.map((arm) => ({ key: arm.arm, label: this.#label(arm), colour: this.#colour(arm), mark: "dot" }));
  }

  figure(hidden) {
    const shown = this.arms.filter((arm) => !hidden.has(arm.arm)), rows = shown.map((arm) => safe(this.#label(arm)));
    const nothing = { type: "line", x0: 0, x1: 0, yref: "paper", y0: 0, y1: 1, line: { color: colour("muted"), width: 1.3, dash: "dot" } };
    return {
      data: shown.flatMap((arm, place) => [this.#seeds(arm, rows[place]), this.#mean(arm, rows[place])]),
      layout: { shapes: [nothing], xaxis: { title: { text: this.chart.x_title }, range: this.#range(shown) },
                yaxis: { type: "category", categoryorder: "array", categoryarray: [...rows].reverse(), ticklabelposition: "inside top", tickfont: { color: colour("text") }, range: [-0.5, rows.length - 0.4] } },
    };
  }

  /** With no difference on it, and room beyond, so that its number is written where all lie on one side. */
  #range(shown) {
    const every = [0, ...shown.flatMap((arm) => [arm.mean, arm.low, arm.high, ...arm.seeds.map(([, value]) => value)])].filter((value) => value !== null && Number.isFinite(value));
    const low = Math.min(...every), high = Math.max(...every), room = 0.08 * (high - low) || 1;
    return [low - room, high + room];
  }

  #mean(arm, row) {
    const bars = arm.low === null ? {} : { error_x: { type: "data", symmetric: false, array: [arm.high - arm.mean], arrayminus: [arm.mean - arm.low], color: this.#colour(arm), thickness: 1.6, width: 6 } };
    return { type: "scatter", mode: "markers", name: row, x: [arm.mean], y: [row], ...bars, cliponaxis: false,
             marker: { size: 12, color: this.#colour(arm), line: { width: 1, color: colour("surface") } },
             customdata: [this.#hover(arm)], hovertemplate: "%{customdata}<extra></extra>" };
  }

  #seeds(arm, row) {
    return { type: "scatter", mode: "markers", name: row, x: arm.seeds.map(([, value]) => value), y: arm.seeds.map(() => row), cliponaxis: false,
             marker: { symbol: "line-ns-open", size: 16, color: this.#colour(arm), line: { width: 2 } },
             customdata: arm.seeds.map(([seed, value]) => `seed ${seed}: ${sig(value)} ${this.chart.unit}`), hovertemplate: "%{customdata}<extra></extra>" };
  }

  #hover(arm) {
    const interval = arm.low === null ? "no interval of one pair" : `95 % ${sig(arm.low)} to ${sig(arm.high)}`;
    return [safe(this.#label(arm)), `${sig(arm.mean)} ${this.chart.unit}, n = ${arm.n}`, interval, `p ${sig(arm.p)}, after Holm ${sig(arm.p_holm)}`, safe(arm.words)].join("<br>");
  }

  table() {
    const head = [this.chart.by, "n", this.chart.x_title, "95 % low", "95 % high", "p", "p (Holm)", "what it says", "seeds"];
    return { head, rows: this.arms.map((arm) => [arm.arm, arm.n, arm.mean, arm.low, arm.high, arm.p, arm.p_holm, arm.words, arm.seeds.map(([seed]) => seed).join(" ")]) };
  }
}
