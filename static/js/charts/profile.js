// What each layer holds along the network: its share of parameters and MACs, or its memory with the places to cut.
import { colour } from "../colours.js";
import { sig, size } from "../numbers.js";
import { safe } from "../words.js";

const SERIES = {
  weights: [["params", "parameters", "c1"], ["macs", "MACs", "c2"]],
  memory: [["activation_bytes", "activation", "c3"], ["living_bytes", "living memory", "c1"], ["cuts", "goes across at a cut", "c2"]],
};

export class Profile {
  constructor(chart) {
    this.chart = chart;
    this.profile = chart.profile;
  }

  append(row) { return row.type === "profile"; }

  get isEmpty() { return this.profile.names.length === 0; }

  get #isMemory() { return this.chart.of === "memory"; }

  get #series() { return SERIES[this.chart.of].filter(([key]) => this.profile[key].length); }

  get caption() {
    if (!this.#isMemory) return "share of the whole network, by layer; the numbers are those of the table";
    const living = this.profile.living_bytes, most = Math.max(...living);
    return `peak ${size(most)} at layer ${living.indexOf(most) + 1}, ${this.profile.names[living.indexOf(most)]}`;
  }

  get entries() {
    return this.#series.map(([key, label, token]) => ({ key, label, colour: colour(token), mark: key === "cuts" ? "dot" : key === "living_bytes" ? "line" : "square" }));
  }

  figure(hidden) {
    const shown = this.#series.filter(([key]) => !hidden.has(key)), count = this.profile.names.length;
    return {
      data: shown.map((series) => (this.#isMemory ? this.#memory(series) : this.#share(series))),
      layout: { barmode: this.#isMemory ? "overlay" : "group", bargap: 0.1, hovermode: "closest",
                xaxis: { title: { text: "layer, as numbered in the table" }, range: [0, count + 1], gridcolor: "rgba(0,0,0,0)" },
                yaxis: this.#isMemory ? { title: { text: this.#unit[1] }, rangemode: "tozero" } : { title: { text: "share, %" }, rangemode: "tozero", ticksuffix: " %" } },
    };
  }

  /** Layers that hold nothing need no bar of nothing; what is left stands closer. */
  #share([key, label, token]) {
    const values = this.profile[key], sum = values.reduce((total, value) => total + value, 0) || 1;
    const at = values.map((_, i) => i).filter((i) => values[i] > 0);
    return { type: "bar", name: label, x: at.map((i) => i + 1), y: at.map((i) => (100 * values[i]) / sum), marker: { color: colour(token) }, width: this.#width(0.45),
             offset: key === "params" ? -this.#width(0.45) : 0, ...this.#hover(at, (i) => `${sig(values[i])} ${label}, %{y:.2~f} %`) };
  }

  /** Of a deep network bars as wide as a layer would be hairs. */
  #width(part) { return part * Math.max(1.9, this.profile.names.length / 90); }

  #memory([key, label, token]) {
    const [step] = this.#unit, values = this.profile[key];
    if (key === "cuts") {
      return { type: "scatter", mode: "markers", name: label, x: values.map(([i]) => i + 1), y: values.map(([, bytes]) => bytes / step),
               marker: { color: colour(token), size: 7, symbol: "circle", line: { color: colour("surface"), width: 1 } },
               ...this.#hover(values.map(([i]) => i), (_, at) => `cut behind it: ${size(values[at][1])} go across`) };
    }
    const all = values.map((_, i) => i), y = values.map((bytes) => bytes / step), hover = this.#hover(all, (i) => `${size(values[i])} ${label}`), x = all.map((i) => i + 1);
    if (key === "living_bytes") return { type: "scatter", mode: "lines", name: label, x, y, line: { color: colour(token), width: 1.6, shape: "hvh" }, ...hover };
    return { type: "bar", name: label, x, y, marker: { color: colour(token) }, width: 0.9, ...hover };
  }

  #hover(at, told) {
    return { customdata: at.map((i, place) => `${safe(this.profile.names[i])}<br>${told(i, place)}`), hovertemplate: at.map((i, place) => `<b>${safe(this.profile.names[i])}</b><br>${told(i, place)}<extra></extra>`),
             ids: at.map((i) => this.profile.names[i]) };
  }

  get #unit() {
    const most = Math.max(...this.profile.living_bytes);
    return most >= 1e9 ? [1e9, "GB"] : most >= 1e6 ? [1e6, "MB"] : [1e3, "kB"];
  }

  table() {
    const series = this.#series.filter(([key]) => key !== "cuts"), cuts = new Map(this.profile.cuts);
    const head = ["#", "layer", ...series.map(([key, label]) => (key.endsWith("bytes") ? `${label}, bytes` : label)), ...(this.#isMemory ? ["goes across at a cut, bytes"] : [])];
    return { head, rows: this.profile.names.map((name, i) => [i + 1, name, ...series.map(([key]) => this.profile[key][i]), ...(this.#isMemory ? [cuts.get(i) ?? null] : [])]) };
  }
}
