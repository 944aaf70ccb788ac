// What each client of a federated run does in each round, by the clock or as measured: a lane a client, the rounds one after the other.
// The newest rounds are drawn, and one can step back; the table has them all.
import { colour, nthColour } from "../colours.js";
import { sig } from "../numbers.js";
import { safe } from "../words.js";
import { Rounds } from "./rounds.js";

const MOST = 12, ROOMY = 6;
const NARROW = { rounds: 3, letters: 12, pixels: 220 }, WIDE = { rounds: 8, letters: 30, pixels: 900 };
const LETTER = 6.5;  // pixels of a letter on a marker, about
const COLOURS = { computes: "c1", sends: "c2", "edge computes": "c3", queues: "c5", moves: "c4", "waits for others": "c8", "waits for the server": "c8", lost: "bad", "left out": "bad" };
const HATCHES = { "waits for others": "/", "waits for the server": "/", lost: "x", "left out": "\\" };
const OF_GROUPS = ["c6", "c7", "c5", "c4", "c3"];
const CUT = " cut", JUMP = " jump";

export class Clients {
  constructor(chart, run) {
    Object.assign(this, { chart, run, rounds: new Rounds(chart), last: null });
  }

  append(row) { return row.type === "metric" && this.rounds.take(row.body); }

  get isEmpty() { return this.rounds.names.length === 0; }

  get #room() { return matchMedia("(max-width: 760px)").matches ? NARROW : WIDE; }

  /** Which of all rounds are drawn: from, to (not among them). Who stepped back stays there while others come. */
  get #window() {
    const end = Math.min(this.last ?? Infinity, this.rounds.all.length);
    return [Math.max(0, end - this.#room.rounds), end];
  }

  get #names() { return this.rounds.names.slice(0, MOST); }

  /** How one steps through what is not all drawn. */
  get steps() {
    const count = this.rounds.all.length, { rounds } = this.#room, [from, to] = this.#window;
    const go = (end) => { this.last = end >= count ? null : Math.max(end, rounds); };
    return count <= rounds ? [] : [{ word: "earlier", can: from > 0, act: () => go(to - rounds) },
      { word: "later", can: to < count, act: () => go(to + rounds) }, { word: "newest", can: to < count, act: () => go(count) }];
  }

  get caption() {
    const { all, names } = this.rounds, [from, to] = this.#window;
    if (!all.length) return "";
    const [first, last] = [all[from].number, all[to - 1].number], whole = to - from < all.length ? ` of ${all.at(-1).number}` : "";
    return [`${first === last ? `round ${last}` : `rounds ${first} to ${last}`}${whole}`,
            names.length > MOST ? `the first ${MOST} of ${names.length} lanes; the table has them all` : ""].filter(Boolean).join(" · ");
  }

  get entries() {
    const ink = colour("text"), hasJumps = this.rounds.all.some(({ lanes }) => lanes.some(({ jumps }) => jumps.length));
    const label = (kind) => (HATCHES[kind] ? `${kind} (hatched)` : kind);
    return [...this.rounds.kinds.map((kind) => ({ key: kind, label: label(kind), colour: this.#colour(kind), mark: "square" })),
            { key: CUT, label: "offloading point changes", colour: ink, mark: "dot" },
            ...(hasJumps ? [{ key: JUMP, label: "goes to another edge server", colour: ink, mark: "star" }] : [])];
  }

  #colour(kind) { return COLOURS[kind] ? colour(COLOURS[kind]) : nthColour(this.rounds.kinds.indexOf(kind)); }

  figure(hidden) {
    const shown = this.rounds.all.slice(...this.#window), lanes = this.#lanes(shown);
    const begins = shown[0].begins, ends = shown.at(-1).begins + shown.at(-1).lasts;
    const groups = groupsOf(lanes);
    return {
      data: [...this.rounds.kinds.filter((kind) => !hidden.has(kind)).map((kind) => this.#bars(kind, lanes)),
             ...(hidden.has(CUT) ? [] : [this.#cuts(lanes, shown[0], ends)]),
             ...(hidden.has(JUMP) ? [] : [this.#jumps(lanes, (begins + ends) / 2)])],
      layout: { barmode: "overlay", margin: { l: 52, r: 16, t: 26, b: 40 },
                shapes: [...borders(shown), ...stripes(lanes)],
                annotations: numbers(shown, this.#room.pixels / (ends - begins)),
                xaxis: { title: { text: this.chart.y_title || this.chart.y[0] }, range: [begins, ends], showgrid: false },
                yaxis: this.#axis(groups) },
    };
  }

  /** Of these rounds the lanes that are drawn, each with its round and its place from above. */
  #lanes(shown) {
    const places = new Map(this.#names.map((name, place) => [name, place]));
    const placed = (round) => round.lanes.map((lane) => ({ ...lane, round, place: places.get(lane.client) }));
    return shown.flatMap(placed).filter(({ place }) => place !== undefined);
  }

  #axis(groups) {
    const names = this.#names, { letters } = this.#room;
    const group = (place) => (groups.has(place) ? `, group${groups.get(place).length > 1 ? "s" : ""} ${groups.get(place).join(", ")}` : "");
    const called = (name, place) => (name.length <= letters ? name : `${name.slice(0, letters - 1)}…`) + group(place);
    return { range: [names.length - 0.5, -0.5], fixedrange: true, showgrid: false, tickvals: names.map((_, i) => i),
             ticktext: names.map((name, i) => safe(called(name, i))) };
  }

  #bars(kind, lanes) {
    const own = this.#colour(kind), shape = HATCHES[kind];
    const parts = lanes.flatMap((lane) => lane.parts.filter((part) => part.kind === kind).map((part) => ({ ...part, lane })));
    const pattern = shape && { shape, size: 5, fgcolor: own, bgcolor: colour("surface"), fillmode: "overlay" };
    const line = shape ? { color: own, width: 0.8 } : { color: colour("surface"), width: 0.5 };
    const told = ({ value, lane: { client, round } }) => `${client}, round ${round.number}: ${kind} ${sig(value)} s of ${sig(round.lasts)} s`;
    return { type: "bar", orientation: "h", name: safe(kind), width: 0.44, y: parts.map(({ lane }) => lane.place),
             x: parts.map(({ value }) => value), base: parts.map(({ begins, lane }) => lane.round.begins + begins),
             marker: { color: own, line, ...(pattern ? { pattern } : {}) }, hovertemplate: "%{customdata}<extra></extra>",
             customdata: parts.map((part) => `${safe(told(part))}<br>${safe(where(part.lane))}`) };
  }

  /** Where a client hands over, at the begin of the round from which on it does so; in words where these have room. */
  #cuts(lanes, first, ends) {
    const found = lanes.filter((lane) => lane.cut && (lane.cutBefore !== lane.cut || lane.round === first));
    const perSecond = this.#room.pixels / (ends - first.begins);
    const follows = (lane) => found.find(({ place, round }) => place === lane.place && round.begins > lane.round.begins);
    const next = (lane) => follows(lane)?.round.begins ?? ends;
    // Where nobody ever hands over there is nothing to tell lane by lane.
    const isSaid = new Set(lanes.map(({ cut }) => cut)).size > 1 || lanes.some(({ cut }) => cut.startsWith("behind"));
    const fits = (lane) => isSaid && (next(lane) - lane.round.begins) * perSecond > lane.cut.length * LETTER + 14;
    const before = ({ cut, cutBefore }) => (cutBefore && cutBefore !== cut ? `, before: ${cutBefore}` : "");
    const told = (lane) => `${lane.client}, from round ${lane.round.number} on: ${lane.cut}${before(lane)}`;
    return { ...marks("circle", 5), x: found.map(({ round }) => round.begins), y: found.map(({ place }) => place - 0.36),
             text: found.map((lane) => (fits(lane) ? safe(lane.cut) : "")), textposition: "middle right",
             customdata: found.map((lane) => safe(told(lane))) };
  }

  /** Where a client goes to another edge server: at what the move takes, else at the round's begin. */
  #jumps(lanes, middle) {
    const begins = (lane) => lane.round.begins + (lane.parts.find(({ kind }) => kind === "moves")?.begins ?? 0);
    const found = lanes.flatMap((lane) => lane.jumps.map((jump) => ({ lane, at: begins(lane), told: this.rounds.told(jump) })));
    const isRoomy = this.#names.length <= ROOMY && this.#room === WIDE;
    return { ...marks("star", 11), x: found.map(({ at }) => at), y: found.map(({ lane }) => lane.place + 0.36),
             text: found.map(({ told }) => (isRoomy ? safe(told) : "")),
             textposition: found.map(({ at }) => (at > middle ? "middle left" : "middle right")),
             customdata: found.map(({ lane, told }) => safe(`${lane.client}, round ${lane.round.number}: ${told}`)) };
  }

  table() { return this.rounds.table(); }
}

function where({ cut, edge, group }) {
  return [cut && `offloading point: ${cut}`, edge && `at ${edge}`, group !== undefined && `group ${group}`].filter(Boolean).join(", ");
}

function marks(symbol, size) {
  const own = colour("text");
  return { type: "scatter", mode: "markers+text", marker: { symbol, size, color: own, line: { color: colour("surface"), width: 1 } },
           textfont: { size: 10.5, color: own }, hovertemplate: "%{customdata}<extra></extra>" };
}

function borders(shown) {
  const line = { color: colour("line-strong"), width: 1, dash: "dot" };
  return shown.slice(1).map(({ begins }) => ({ type: "line", yref: "paper", y0: 0, y1: 1, x0: begins, x1: begins, line }));
}

/** Of each place its groups in the rounds that are drawn, in their order, each once where it stays. */
function groupsOf(lanes) {
  const found = new Map();
  for (const { place, group } of lanes) {
    if (group === undefined) continue;
    const own = found.get(place) ?? [];
    if (own.at(-1) !== group) found.set(place, [...own, group]);
  }
  return found;
}

/** A group has its colour under its lanes, round by round, beside its number in words. */
function stripes(lanes) {
  const own = (group) => colour(OF_GROUPS[(Number(group) - 1) % OF_GROUPS.length] ?? OF_GROUPS[0]);
  return lanes.filter(({ group }) => group !== undefined).map(({ place, group, round }) => ({
    type: "rect", x0: round.begins, x1: round.begins + round.lasts, y0: place + 0.25, y1: place + 0.31, line: { width: 0 },
    fillcolor: own(group) }));
}

/** The rounds' numbers above them, where they have room. */
function numbers(shown, perSecond) {
  return shown.filter(({ lasts }) => lasts * perSecond > 18).map(({ number, begins, lasts }) => ({
    x: begins + lasts / 2, y: 1, yref: "paper", yanchor: "bottom", showarrow: false, font: { size: 11, color: colour("muted") },
    text: lasts * perSecond > 64 ? `round ${number}` : String(number) }));
}
