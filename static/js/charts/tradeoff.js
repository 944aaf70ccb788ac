// Variants at latency and accuracy: size as area, intervals as bars, the network of comparison as a star, the Pareto line dotted.
// Of several devices each has its colour and its own Pareto line; a noisy timing is hollow, what is not measured a diamond.
import { beside } from "../beside.js";
import { colour, nthColour, runColour, recipeColour } from "../colours.js";
import { sig, size } from "../numbers.js";
import { NOISY, safe } from "../words.js";

const ENGINE = "onnxruntime";
const PART = " · ";
// Names stand beside so many points.
const MOST_NAMED = 12, STAR = 16;
// The names under which recipes measure the network that their variants are compared with.
const REFERENCES = ["dense", "fp32"];

export class TradeOff {
  constructor(chart, run) {
    const x = chart.x === "step" ? "latency_ms_p50" : chart.x;
    Object.assign(this, { chart, run, x, y: chart.y[0] ?? "accuracy", variants: new Map() });
  }

  append(row) {
    // Of several runs on one chart, two may call a variant alike: then the run's name stands in front.
    const body = this.run.order ? this.#parted(row.body) : row.body;
    if (row.type === "variant") return this.#fact(body);
    if (row.type === "measured") return this.#measured(body);
    return row.type === "metric" && this.#trained(body);
  }

  #parted(body) {
    const run = body.run ?? body.labels?.run, named = (name) => (name === undefined ? name : `${run}${PART}${name}`);
    return { ...body, name: body.facts ? named(body.name) : body.name, variant: named(body.variant),
             labels: body.labels && { ...body.labels, variant: named(body.labels.variant) } };
  }

  #of(name) {
    if (!this.variants.has(name)) this.variants.set(name, { name, facts: {}, x: null, y: null });
    return this.variants.get(name);
  }

  #fact({ name, facts }) {
    const variant = this.#of(name);
    variant.facts = facts;
    if (this.x in facts) variant.x = { value: facts[this.x] };
    if (this.y in facts && !variant.y) variant.y = { value: facts[this.y] };
    return true;
  }

  #measured(body) {
    if (body.value === null) return false;
    if (body.metric === this.x) this.#prefer(body.variant, "x", body, Number((body.engine ?? "").startsWith(ENGINE)));
    else if (body.metric === "size_bytes") this.#of(body.variant).facts = { ...this.#of(body.variant).facts, size_bytes: body.value };
    else if (body.metric === this.y) this.#prefer(body.variant, "y", body, body.split === "test" ? 3 : 2);
    else return false;
    return true;
  }

  /** While nothing is measured, the newest validation accuracy of training stands in. */
  #trained({ name, value, labels = {} }) {
    if (name !== this.y || value === null || labels.split !== "validation" || labels.variant === undefined) return false;
    this.#prefer(String(labels.variant), "y", { value, split: "validation" }, 1);
    return this.variants.get(String(labels.variant)).x !== null;
  }

  /** The better source wins, the newer of equal ones. */
  #prefer(name, axis, said, rank) {
    const variant = this.#of(name);
    if (variant[axis] && variant[axis].rank > rank) return;
    variant[axis] = { value: said.value, low: said.low, high: said.high, about: said, rank };
  }

  get #points() { return [...this.variants.values()].filter((variant) => variant.x && variant.y); }

  get isEmpty() { return this.#points.length === 0; }

  get caption() {
    const waiting = this.variants.size - this.#points.length;
    const about = this.#points.find((point) => point.x.about)?.x.about;
    const said = [about && [about.engine, !this.run.places && about.device, about.threads && `${about.threads} thread${about.threads > 1 ? "s" : ""}`].filter(Boolean).join(" · "),
                  this.#points.length > 0 && "area is size", this.#points.length > 0 && waiting > 0 && `${waiting} not measured yet`,
                  this.#points.some((point) => point.x.low !== undefined && point.x.low !== null) && "bars are 95 % intervals", ...this.#marks];
    return said.filter(Boolean).join(" · ");
  }

  /** How points look that are not like the others. */
  get #marks() {
    if (!this.run.places) return [];
    const abouts = this.#points.map((point) => point.x.about ?? {}), others = [...new Set(abouts.map(({ origin }) => origin).filter((origin) => origin && origin !== "measured"))];
    return [abouts.some(({ noisy }) => noisy) && `hollow: ${NOISY}`, others.length > 0 && `diamond: ${others.join(", ")}`];
  }

  #own(group, index) { return this.run.places ? nthColour(this.run.places[group] ?? 0) : runColour(index); }

  get entries() {
    if (this.#isPlaced) return this.#placed;
    const stars = new Set(this.#points.filter(isReference).map((point) => point.name.split(PART).pop())), others = this.#points.some((point) => !isReference(point));
    const runs = (this.run.order ?? []).map((run, i) => ({ key: run, label: run, colour: this.#own(run, i), mark: "dot" }));
    return [...runs, others && !runs.length && { key: "variants", label: this.run.title, colour: recipeColour(this.run.recipe), mark: "dot" },
            stars.size > 0 && { key: "dense", label: [...stars].join(", "), colour: colour("text"), mark: "star" },
            this.run.places ? this.#points.length > 1 && { key: "pareto", label: "Pareto of each device", colour: colour("muted"), mark: "line", dash: "dot" }
              : this.#front.length > 1 && { key: "pareto", label: "Pareto", colour: colour("muted"), mark: "line", dash: "dot" }].filter(Boolean);
  }

  /** Whether each variant has a colour of its own on the page. */
  get #isPlaced() { return Boolean(this.run.placed) && this.#points.every((point) => this.run.placed.has(point.name)); }

  get #placed() {
    const own = this.#points.map((point) => ({ key: point.name, label: point.name, colour: this.run.placed.colour(point.name), mark: isReference(point) ? "star" : "dot" }));
    return [...own, this.#front.length > 1 && { key: "pareto", label: "Pareto", colour: colour("muted"), mark: "line", dash: "dot" }].filter(Boolean);
  }

  get #front() { return this.#best(this.#points); }

  /** Those that no other beats on both axes, the quickest first. */
  #best(points) {
    const worth = (point) => (this.chart.less ? -point.y.value : point.y.value);
    const sorted = [...points].sort((a, b) => a.x.value - b.x.value || worth(b) - worth(a));
    let best = -Infinity;
    return sorted.filter((point) => { const wins = worth(point) > best; if (wins) best = worth(point); return wins; });
  }

  get #percent() { return this.chart.percent || this.y === "accuracy" ? 100 : 1; }

  figure(hidden, size) {
    Object.assign(this, { hidden, room: size });
    const of = (run) => (point) => !isReference(point) && point.name.startsWith(run + PART);
    const runs = (this.run.order ?? []).map((run, i) => [run, () => this.#scatter(of(run), run, this.#own(run, i))]);
    const all = runs.length ? Object.fromEntries(runs) : { variants: () => this.#scatter((point) => !isReference(point), this.run.title) };
    const fronts = this.run.places && !hidden.has("pareto") ? this.run.order.filter((run) => !hidden.has(run)).map((run, i) => this.#line(this.#best(this.#points.filter(of(run))), this.#own(run, i), run)) : [];
    const parts = { ...(this.run.places ? {} : { pareto: () => this.#pareto() }), ...all, dense: () => this.#scatter(isReference, "dense") };
    const unit = this.#percent === 100 ? " %" : "";
    return {
      data: [...fronts, ...Object.keys(parts).filter((key) => !hidden.has(key)).map((key) => parts[key]())],
      layout: { xaxis: { title: { text: this.chart.x_title || this.x.replaceAll("_", " ") }, rangemode: "normal", automargin: true },
                yaxis: { title: { text: this.chart.y_title || this.y }, ticksuffix: unit } },
    };
  }

  #pareto() { return this.#line(this.#front, colour("muted"), "Pareto"); }

  #line(front, stroke, name) {
    return { type: "scatter", mode: "lines", name: safe(name), x: front.map((p) => p.x.value), y: front.map((p) => p.y.value * this.#percent),
             line: { color: stroke, width: 1.3, dash: "dot", shape: "hv" }, hoverinfo: "skip" };
  }

  #scatter(wanted, name, own = recipeColour(this.run.recipe)) {
    const points = this.#points.filter((point) => wanted(point) && !(this.#isPlaced && this.hidden?.has(point.name))), star = name === "dense", places = star ? new Map() : this.#beside;
    const strong = star ? colour("text") : own;
    return {
      type: "scatter", name: safe(name), mode: places.size ? "markers+text" : "markers",
      x: points.map((p) => p.x.value), y: points.map((p) => p.y.value * this.#percent),
      text: points.map((p) => (places.has(p.name) ? safe(this.#short(p)) : "")), textposition: points.map((p) => places.get(p.name) ?? "top right"), cliponaxis: false, textfont: { size: 11, color: colour("muted") },
      error_x: interval(points, "x", 1, strong), error_y: interval(points, "y", this.#percent, strong),
      ids: points.map((p) => p.name), customdata: points.map((p) => this.#hover(p)), hovertemplate: "%{customdata}<extra></extra>",
      marker: star ? { symbol: "star", size: STAR, color: points.map((p) => this.#ofRun(p) ?? this.run.placed?.colour(p.name) ?? strong), line: { width: 0 } }
        : { size: points.map((p) => this.#size(p)), color: this.#isPlaced ? points.map((p) => this.run.placed.colour(p.name)) : strong, opacity: 0.85, ...(this.run.places ? { symbol: points.map(symbol) } : {}),
            line: { width: 1, color: colour("surface") } },
    };
  }

  /** Of several runs each star has the colour of its own. */
  #ofRun(point) {
    const index = (this.run.order ?? []).indexOf(point.name.split(PART)[0]);
    return index < 0 ? null : runColour(index);
  }

  /** Of several runs or devices the colour says of which. */
  #short(point) { return this.run.order ? point.name.split(PART).slice(1).join(PART) : point.name; }

  /** Area speaks of size; the star keeps its own so that it is found at once. */
  #size(point) {
    const largest = Math.max(...this.#points.map((each) => each.facts.size_bytes ?? 0), 1);
    return isReference(point) ? STAR : Math.max(9, 30 * Math.sqrt((point.facts.size_bytes ?? 0) / largest));
  }

  /** Where the name of each stands, of a few. */
  get #beside() {
    if (this.#points.length > MOST_NAMED) return new Map();
    return beside(this.#points.map((point) => ({ key: point.name, name: isReference(point) ? "" : this.#short(point), x: point.x.value, y: point.y.value, xs: [point.x.low, point.x.high], ys: [point.y.low, point.y.high], r: this.#size(point) / 2 })), this.room);
  }

  #hover(point) {
    const { about } = point.x;
    const origin = about?.origin && about.origin !== "measured" ? ` (${about.origin})` : "";
    return [safe(point.name), `${sig(point.y.value * this.#percent)}${this.#percent === 100 ? " %" : ""} ${safe(point.y.about?.split ?? "")}`,
            `${sig(point.x.value)} ${about?.unit ?? ""}${origin}${about?.noisy ? `, ${NOISY}` : ""}`, point.facts.size_bytes ? size(point.facts.size_bytes) : ""].filter(Boolean).join("<br>");
  }

  table() {
    const head = ["variant", this.chart.x_title || this.x.replaceAll("_", " "), "low", "high", `${this.y}${this.#percent === 100 ? ", %" : ""}`, "measured on", "size, bytes", "origin", "noise"];
    const rows = [...this.variants.values()].map((v) => [v.name, v.x?.value ?? null, v.x?.low ?? null, v.x?.high ?? null,
      v.y ? v.y.value * this.#percent : null, v.y?.about?.split ?? "", v.facts.size_bytes ?? null, v.x?.about?.origin ?? "", v.x?.about?.noisy ? NOISY : ""]);
    return { head, rows };
  }
}

function symbol({ x: { about } }) {
  const shape = about?.origin && about.origin !== "measured" ? "diamond" : "circle";
  return about?.noisy ? `${shape}-open` : shape;
}

function isReference(point) { return REFERENCES.some((name) => point.name === name || point.name.endsWith(PART + name)); }

function interval(points, axis, scale, stroke) {
  const far = (point, side) => (point[axis][side] === null || point[axis][side] === undefined ? 0 : Math.abs(point[axis][side] - point[axis].value) * scale);
  return { type: "data", symmetric: false, array: points.map((p) => far(p, "high")), arrayminus: points.map((p) => far(p, "low")),
           color: stroke, thickness: 1, width: 3 };
}
