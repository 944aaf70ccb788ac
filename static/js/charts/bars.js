// One metric over a label, the newest value of each; a second metric may stand as a line across, of a group or of all. Of several
// runs each keeps its own bars, its own line and its own colour; of several devices too. Where a label (`within`) parts the bars of
// each run they stay parted. What is not measured is hatched.
import { colour, mixed, nthColour, recipeColour, roundOf, runColour, wayColour } from "../colours.js";
import { inLines, safe } from "../words.js";

const DASHES = ["dash", "dot", "dashdot", "longdash"];
// Letters under all bars of a plot that has half the page, in a name that is long, and in one that is turned.
const NARROW = 40, LONG = 12, TURNED = 20;
const HATCHES = { predicted: "/", emulated: "x" };
// Where each bar has the colour of who it is of, groups are told apart by how strong that is: the first is the palest.
const PALEST = 0.62;
const PARTS = ["", ".", "-", "|"];  // of one colour, where the word says nothing of where a number is from

export class Bars {
  constructor(chart, run) {
    Object.assign(this, { chart, run, bars: new Map(), limits: new Map(), about: new Map(), lit: new Set(), parts: new Map() });
  }

  append(row) {
    const { name, value, labels = {} } = row.body;
    if (row.type !== "metric") return false;
    const whole = this.chart.by ? String(labels[this.chart.by] ?? "") : "", part = String(labels[this.chart.within] ?? "");
    const group = [whole, part].filter(Boolean).join(", ");
    if (this.chart.line && name === this.chart.line) { this.limits.set(group, value === null ? null : value * this.#scale); return true; }
    if (!this.chart.y.includes(name) || labels[this.chart.x] === undefined) return false;
    if (!this.bars.has(group)) this.bars.set(group, new Map());
    this.parts.set(group, { whole, part: this.chart.within ? part : whole });
    // An interval and words for the hover, where they are known.
    const { low = null, high = null, told = "" } = row.body;
    if (low !== null || told) this.about.set(`${group}\n${labels[this.chart.x]}`, { low, high, told });
    this.bars.get(group).set(String(labels[this.chart.x]), value === null ? null : value * this.#scale);
    return true;
  }

  get #scale() { return this.chart.percent ? 100 : 1; }

  get isEmpty() { return this.bars.size === 0; }

  /** Whoever spoke first: runs stand in the order of the page. */
  get #groups() {
    const place = (group) => this.run.order?.indexOf(this.#whole(group)) ?? 0;
    return [...this.bars.entries()].sort(([a], [b]) => place(a) - place(b));
  }

  /** Of each group that has one; and those that are drawn for all bars, or for all bars of a run. */
  get #lines() {
    const own = this.#groups.map(([group]) => group), shared = [...new Set(own.map((group) => this.#whole(group))), ""].filter((group) => !own.includes(group));
    return [...new Set([...own, ...shared])].map((group) => [group, this.limits.get(group) ?? null]).filter(([, limit]) => limit !== null);
  }

  #limit(group) { return this.limits.get(group) ?? this.limits.get(this.#whole(group)) ?? this.limits.get("") ?? null; }

  #whole(group) { return this.parts.get(group)?.whole ?? group; }

  get #word() { return this.chart.line_title || (this.chart.line ?? "").replaceAll("_", " "); }

  get caption() {
    const said = [this.#hasIntervals && "the thin line is the 95 % interval", ...this.#origins.map((origin) => `hatched: ${origin}`)];
    return this.run.order && this.#lines.some(([group]) => this.bars.has(group)) ? `each run is judged by its own line; a bar that is hollow stands above the line of its run` : said.filter(Boolean).join(" · ");
  }

  get #hasIntervals() { return [...this.about.values()].some(({ low }) => low !== null); }

  get #origins() {
    return [...new Set([...Object.values(this.run.origins ?? {}), ...[...this.parts.values()].map(({ part }) => part)])].filter((origin) => HATCHES[origin]);
  }

  /** Its square in the legend looks like its bars. */
  #isHatched(group) { return !this.#isPlaced && Boolean(this.#hatch(group)); }

  /** Whether whoever stands under the bars has a place of their own. */
  get #isPlaced() {
    return Boolean(this.run.placed) && [...this.bars.values()].every((values) => [...values.keys()].every((name) => this.run.placed.has(name)));
  }

  #shade(own, index) {
    const last = this.bars.size - 1;
    return last < 1 ? own : mixed(own, colour("surface"), PALEST * (1 - index / last));
  }

  #named(group) {
    const origin = this.run.origins?.[group];
    return HATCHES[origin] ? `${group}, ${origin}` : group;
  }

  get entries() {
    const colourOf = (key, i) => (this.#isPlaced ? this.#shade(colour("muted"), i) : this.#colour(key, i));
    const groups = this.#groups.map(([key], i) => ({ key, label: this.#named(key), colour: colourOf(key, i), mark: this.#isHatched(key) ? "hatched" : "square" })).filter(({ key }) => key);
    return [...groups, ...this.#lines.map(([group], i) => ({ key: ` line ${group}`, label: [group, this.#word].filter(Boolean).join(", "), ...this.#stroke(group, i), mark: "line" }))];
  }

  figure(hidden) {
    const groups = this.#groups.map((group, i) => [...group, i]).filter(([key]) => !hidden.has(key));
    const names = inOrder([...new Set(groups.flatMap(([, values]) => [...values.keys()]))]);
    const prefix = sharedPrefix(names);
    const title = this.chart.x_title || this.chart.x;
    return {
      data: groups.map(([group, values, i]) => this.#trace(group, names, values, i)),
      layout: { barmode: "group", bargap: 0.22, shapes: this.#shapes(hidden),
                xaxis: { title: { text: prefix ? `${title} (${prefix}…)` : title }, type: "category", gridcolor: "rgba(0,0,0,0)", ...ticks(names, prefix) },
                yaxis: { title: { text: this.chart.y_title || this.chart.y.join(", ").replaceAll("_", " ") }, rangemode: "tozero", ticksuffix: this.chart.percent ? " %" : "" } },
    };
  }

  #trace(group, names, values, index) {
    const y = names.map((name) => values.get(name) ?? null), limit = this.limits.get(group) ?? null;
    const own = group ? this.#colour(group, index) : recipeColour(this.run.recipe);
    const marker = this.#isPlaced ? { color: names.map((name) => this.#shade(this.run.placed.colour(name), index)) } : this.#marker(y.map((value) => limit !== null && value > limit), own, group);
    return { type: "bar", name: safe(group || this.chart.title), x: names, y, marker,
             hovertemplate: `%{y:.3~g}${this.chart.percent ? " %" : ""}<extra>%{customdata}</extra>`, ...this.#interval(group, names, y), ...this.#light(names),
             customdata: names.map((name) => safe([this.#named(group), name, this.about.get(`${group}\n${name}`)?.told].filter(Boolean).join(", "))) };
  }

  #interval(group, names, y) {
    if (!this.#hasIntervals) return {};
    const far = (side) => names.map((name, i) => { const end = this.about.get(`${group}\n${name}`)?.[side] ?? null; return end === null || y[i] === null ? 0 : Math.abs(end * this.#scale - y[i]); });
    return { error_y: { type: "data", symmetric: false, array: far("high"), arrayminus: far("low"), color: colour("text"), thickness: 1, width: 2 } };
  }

  /** Those that somebody looks at stand out, the others step back. */
  #light(names) {
    if (!this.lit.size) return { selectedpoints: null };
    return { selectedpoints: names.map((name, i) => (this.lit.has(name) ? i : -1)).filter((i) => i >= 0), unselected: { marker: { opacity: 0.35 } } };
  }

  /** Bars above the line are what it marks as special: grey, so that position and line say it, not the hue. Of several runs the
   * colour says which run, so there they are hollow. */
  #marker(above, own, group) {
    const hatch = this.#hatch(group);
    if (hatch) return { color: own, line: { color: own, width: 1.2 }, pattern: { shape: hatch, size: 6, fgcolor: own, bgcolor: colour("surface"), fillmode: "overlay" } };
    if (this.run.places) return { color: own };
    if (!this.run.order) return { color: above.map((is) => (is ? colour("c8") : own)) };
    return { color: above.map((is) => (is ? colour("surface") : own)), line: { color: own, width: 1.6 } };
  }

  #hatch(group) {
    const { part = "" } = this.parts.get(group) ?? {};
    const parts = [...new Set([...this.parts.values()].map((each) => each.part))].filter((each) => !HATCHES[each]);
    return HATCHES[this.run.origins?.[group] ?? part] ?? PARTS[(this.chart.within ? parts.indexOf(part) : roundOf([...this.bars.keys()].indexOf(group))) % PARTS.length];
  }

  /** Of several runs each keeps its colour, whichever spoke first. */
  #colour(group, index) {
    if (this.run.places) return nthColour(this.run.places[group] ?? 0);
    return this.run.order ? runColour(this.run.order.indexOf(this.#whole(group))) : wayColour(group, index);
  }

  #stroke(group, index) {
    return this.run.order ? { colour: this.#colour(group, index), dash: DASHES[index % DASHES.length] } : { colour: colour("warn"), dash: "dash" };
  }

  #shapes(hidden) {
    const shown = this.#lines.map((line, i) => [...line, this.#stroke(line[0], i)]).filter(([group]) => !hidden.has(` line ${group}`) && !hidden.has(group));
    return shown.map(([group, y, { colour: color, dash }]) => ({ type: "line", name: safe(group), xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color, width: 1.8, dash } }));
  }

  table() {
    const lines = this.#lines.length > 0, intervals = this.#hasIntervals, origins = Boolean(this.run.origins);
    const rows = this.#groups.flatMap(([group, values]) => [...values].map(([name, value]) => {
      const { low = null, high = null } = this.about.get(`${group}\n${name}`) ?? {};
      return [...(group ? [group] : []), name, value, ...(intervals ? [low, high] : []), ...(lines ? [this.#limit(group)] : []), ...(origins ? [this.run.origins[group] ?? ""] : [])];
    }));
    const head = [this.chart.x_title || this.chart.x, this.chart.y_title || this.chart.y.join(", ").replaceAll("_", " "), ...(intervals ? ["95 % from", "to"] : []), ...(lines ? [this.#word] : []), ...(origins ? ["origin"] : [])];
    return { head: this.chart.by && this.bars.size && ![...this.bars.keys()].includes("") ? [this.chart.by, ...head] : head, rows };
  }
}

/** Names are all written: in lines where they are few; turned and shortened where they are many, or long and not quite so few. Of
 * numbers as many as there is room for. */
function ticks(names, prefix) {
  if (names.every((name) => /^\d+$/.test(name))) return { tickangle: 0 };
  const own = names.map((name) => name.slice(prefix.length)), isMany = names.length > 6, isLong = own.some((name) => name.length > LONG);
  const isTurned = !prefix && (isMany || (names.length > 4 && isLong)), room = Math.floor(NARROW / (names.length || 1));
  const said = (name) => (isTurned || isMany ? short(safe(name), isMany ? 14 : TURNED) : inLines(safe(short(name, 3 * Math.max(LONG, room))), room));
  return { tickangle: isTurned ? -35 : "auto", tickvals: names, ticktext: own.map(said) };
}

/** Blocks stand by their first unit, whichever run named them; other names as they came. */
function inOrder(names) {
  const first = (name) => Number(/^units? (\d+)/.exec(name)?.[1] ?? Infinity);
  return names.some((name) => first(name) < Infinity) ? [...names].sort((a, b) => (first(a) === first(b) ? 0 : first(a) - first(b))) : names;
}

/** `features.` when every name begins so: it is said once, under the axis. */
function sharedPrefix(names) {
  const prefix = names[0]?.slice(0, names[0].indexOf(".") + 1) ?? "";
  return prefix && names.length > 1 && names.every((name) => name.startsWith(prefix)) ? prefix : "";
}

function short(name, room) {
  return name.length <= room ? name : `…${name.slice(1 - room)}`;
}
