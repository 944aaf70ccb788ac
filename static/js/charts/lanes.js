// A lane for each value of a label, in it the parts end to end as they follow each other; label `by` says what each part is.
// What is only waited for, a message on its way, is grey and hatched.
import { colour, nthColour } from "../colours.js";
import { sig } from "../numbers.js";
import { safe } from "../words.js";

const MOST = 12, ROOM = 30;
const WAITING = "on the way";

export class Lanes {
  constructor(chart, run) {
    Object.assign(this, { chart, run, lanes: new Map(), kinds: [] });
  }

  append(row) {
    const { name, value, step, labels = {} } = row.body;
    if (row.type !== "metric" || !this.chart.y.includes(name) || labels[this.chart.x] === undefined || value === null) return false;
    const lane = String(labels[this.chart.x]), kind = String(labels[this.chart.by] ?? name);
    if (!this.lanes.has(lane)) this.lanes.set(lane, new Map());
    if (!this.kinds.includes(kind)) this.kinds.push(kind);
    this.lanes.get(lane).set(step ?? this.lanes.get(lane).size, { kind, value, told: labels.told ?? "" });
    return true;
  }

  get isEmpty() { return this.lanes.size === 0; }

  get caption() {
    return this.lanes.size > MOST ? `the first ${MOST} of ${this.lanes.size}; the table has them all` : "";
  }

  get entries() { return this.kinds.map((kind) => ({ key: kind, label: kind, colour: this.#colour(kind), mark: "square" })); }

  /** Devices keep their colour whether or not something waits between them; who has a place has the colour of that place. */
  #colour(kind) {
    return this.run.placed?.colour(kind) ?? this.#ownColour(kind);
  }

  #ownColour(kind) {
    return kind === WAITING ? colour("c8") : nthColour(this.kinds.filter((each) => each !== WAITING).indexOf(kind));
  }

  /** Every part of a lane with where it begins; one that goes on is one, unless something is told of each. */
  #parts(lane) {
    const parts = [];
    let begins = 0;
    for (const [, part] of [...this.lanes.get(lane)].sort(([a], [b]) => a - b)) {
      const last = parts.at(-1);
      if (last?.kind === part.kind && !last.told && !part.told) last.value += part.value;
      else parts.push({ ...part, begins });
      begins += part.value;
    }
    return parts;
  }

  /** The word that the axis begins with: `ms of a typical image`. */
  get #unit() { return this.chart.y_title.match(/^\w+/)?.[0] ?? "ms"; }

  figure(hidden) {
    const names = [...this.lanes.keys()].slice(0, MOST);
    const parts = names.flatMap((lane) => this.#parts(lane).map((part) => ({ ...part, lane })));
    return {
      data: this.kinds.filter((kind) => !hidden.has(kind)).map((kind) => this.#trace(kind, parts.filter((part) => part.kind === kind))),
      layout: { barmode: "overlay", bargap: 0.3,
                xaxis: { title: { text: this.chart.y_title || this.chart.y.join(", ") }, rangemode: "tozero" },
                yaxis: { type: "category", categoryorder: "array", categoryarray: names, autorange: "reversed", gridcolor: "rgba(0,0,0,0)",
                         tickvals: names, ticktext: names.map((name) => short(safe(name))) } },
    };
  }

  #trace(kind, parts) {
    const own = this.#colour(kind), edge = { color: colour("surface"), width: 1 };
    const pattern = kind === WAITING ? { shape: "/", size: 5, fgcolor: own, bgcolor: colour("surface"), fillmode: "overlay" } : undefined;
    return { type: "bar", orientation: "h", name: safe(kind), y: parts.map((part) => part.lane), x: parts.map((part) => part.value), base: parts.map((part) => part.begins),
             marker: pattern ? { color: own, line: { color: own, width: 1 }, pattern } : { color: own, line: edge },
             customdata: parts.map((part) => safe([part.kind, part.told, `${sig(part.value)} ${this.#unit}`].filter(Boolean).join(", "))), hovertemplate: "%{customdata}<extra></extra>" };
  }

  table() {
    const head = [this.chart.x_title || this.chart.x, this.chart.by || "part", "what", this.chart.y_title || this.chart.y.join(", "), "begins at"];
    return { head, rows: [...this.lanes.keys()].flatMap((lane) => this.#parts(lane).map((part) => [lane, part.kind, part.told, part.value, part.begins])) };
  }
}

function short(name) {
  return name.length <= ROOM ? name : `${name.slice(0, ROOM - 1)}…`;
}
