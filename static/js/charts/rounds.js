// The rounds of a federated run as its metrics tell them, each said once however often it comes: who took part, what each client's
// time went on, behind which layer it handed over, at which edge server it was, and where it went.
import { sig } from "../numbers.js";

export class Rounds {
  #found = new Map();
  #all = null;

  constructor(chart) {
    Object.assign(this, { chart, names: [], kinds: [] });
  }

  /** A part of a client's round, or what a move of it saved; true where it belongs here. */
  take({ name, value, step, labels = {} }) {
    if (value === null || step === null || step === undefined || labels[this.chart.x] === undefined) return false;
    const client = String(labels[this.chart.x]);
    if (this.chart.line && name === this.chart.line) this.#move(step, { ...labels, client, saved: value });
    else if (this.chart.y.includes(name)) this.#part(step, client, String(labels[this.chart.by] ?? name), value, labels);
    else return false;
    this.#all = null;
    return true;
  }

  #at(step) {
    if (!this.#found.has(step)) this.#found.set(step, { lanes: new Map(), moves: new Map() });
    return this.#found.get(step);
  }

  #move(step, move) {
    this.#at(step).moves.set(`${move.client}\n${move.to}`, move);
  }

  #part(step, client, kind, value, { cut, edge, group, to }) {
    // Where nothing was beside it to save anything against, the time that a move took tells of it.
    if (to !== undefined && !this.#at(step).moves.has(`${client}\n${to}`)) this.#move(step, { client, to, after: 0, saved: null });
    if (!this.names.includes(client)) this.names.push(client);
    if (!this.kinds.includes(kind)) this.kinds.push(kind);
    const { lanes } = this.#at(step), parts = lanes.get(client)?.parts ?? new Map();
    lanes.set(client, { cut: cut ?? "", edge: edge ?? "", group, parts: parts.set(kind, value) });
  }

  /** In their order, each with when it begins and how long it lasts: until the last of its lanes ends. */
  get all() { return this.#all ??= this.#laid(); }

  #laid() {
    const homes = new Map(), cuts = new Map();
    let begins = 0;
    return [...this.#found].filter(([, { lanes }]) => lanes.size).sort(([a], [b]) => a - b).map(([number, round]) => {
      const lanes = [...round.lanes].map(([client, lane]) => laid(client, lane, round.moves, homes, cuts));
      const lasts = Math.max(...lanes.map((lane) => lane.lasts));
      begins += lasts;
      return { number, begins: begins - lasts, lasts, lanes };
    });
  }

  /** `to edge-b, saved 3.20 s`. */
  told({ to, saved }) {
    return `to ${to}${saved === null ? "" : saved < 0 ? `, cost ${sig(-saved)} s` : `, saved ${sig(saved)} s`}`;
  }

  table() {
    const lanes = this.all.flatMap((round) => round.lanes.map((lane) => ({ ...lane, round })));
    const grouped = lanes.some(({ group }) => group !== undefined), move = lanes.some(({ jumps }) => jumps.length);
    const spent = (lane) => this.kinds.map((kind) => lane.parts.find((part) => part.kind === kind)?.value ?? 0);
    const goes = (lane) => (move ? [lane.jumps.map((jump) => this.told(jump)).join("; ")] : []);
    return {
      head: ["round", this.chart.x_title || this.chart.x, ...(grouped ? ["group"] : []), "offloading point", "edge server", "begins at, s",
             ...this.kinds.map((kind) => `${kind}, s`), ...(move ? ["goes"] : [])],
      rows: lanes.map((lane) => [String(lane.round.number), lane.client, ...(grouped ? [String(lane.group ?? "–")] : []), lane.cut, lane.edge,
                                 lane.round.begins, ...spent(lane), ...goes(lane)]),
    };
  }
}

/** A lane with its parts end to end. Whoever moved in a round is at the other edge server from the next one on: one jump, not two. */
function laid(client, { cut, edge, group, parts }, moves, homes, cuts) {
  const told = [...moves.values()].filter((move) => move.client === client).sort((a, b) => a.after - b.after);
  const before = homes.get(client), unsaid = before !== undefined && before !== edge ? [{ to: edge, saved: null }] : [];
  const cutBefore = cuts.get(client);
  homes.set(client, told.at(-1)?.to ?? edge);
  cuts.set(client, cut);
  let ends = 0;
  const found = [...parts].map(([kind, value]) => ({ kind, value, begins: (ends += value) - value }));
  return { client, cut, cutBefore, edge, group, parts: found, lasts: ends, jumps: [...unsaid, ...told] };
}
