// Draws what a recipe declared. History and live rows come through the same append(rows).
import { colour } from "./colours.js";
import { Bands } from "./charts/bands.js";
import { Bars } from "./charts/bars.js";
import { Clients } from "./charts/clients.js";
import { Lanes } from "./charts/lanes.js";
import { Line } from "./charts/line.js";
import { Paired } from "./charts/paired.js";
import { Profile } from "./charts/profile.js";
import { Samples } from "./charts/samples.js";
import { Scene } from "./charts/scene.js";
import { Spread } from "./charts/spread.js";
import { TradeOff } from "./charts/tradeoff.js";
import { Panel } from "./panel.js";
import { Places } from "./places.js";
import { inLines, safe } from "./words.js";

const KINDS = { bands: Bands, bars: Bars, clients: Clients, lanes: Lanes, line: Line, paired: Paired, profile: Profile, samples: Samples, scene: Scene, spread: Spread, tradeoff: TradeOff };
const REDRAW_MS = 250;
// Of a plot's height what lies above and below its axis, and of a letter at its side the width, in px.
const AROUND = 96, LETTER = 6.4;
// We draw no maps. Plotly skips the style sheet of its maps, which the content security policy would refuse,
// when an element with this id is there already; the script's own element carries it.
const MAP_STYLE = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";

export class Charts {
  constructor(root, run) {
    this.root = root;
    // Of several runs the colour says which run.
    if (!run.order) run.placed = new Places(run.charts);
    this.placed = run.placed;
    this.panels = [...root.querySelectorAll("[data-chart]")].map((place) => this.#panel(place, run)).filter(Boolean);
    this.drawn = 0;
    root.addEventListener("redraw", () => this.#soon());
    root.addEventListener("light", ({ detail }) => this.panels.forEach((panel) => panel.light(detail)));
    window.addEventListener("themechange", () => this.#all());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#all());
    if (this.panels.length) this.#load();
  }

  append(rows) {
    const isNew = this.placed?.hear(rows);
    for (const panel of this.panels) {
      panel.append(rows);
      panel.isDirty ||= isNew;
    }
    this.#soon();
  }

  /** All that was said is here. */
  nothingMore(text = "This run drew nothing here.") {
    for (const panel of this.panels) if (panel.model.isEmpty) panel.hint(text);
  }

  /** What has ended without drawing something takes no room. */
  hideEmpty() {
    for (const panel of this.panels) panel.place.hidden = panel.model.isEmpty;
  }

  #panel(place, run) {
    const chart = run.charts[Number(place.dataset.chart)];
    place.dataset.kind = chart.kind;
    const Kind = KINDS[chart.kind];
    return Kind ? new Panel(place, new Kind(chart, run), chart) : null;
  }

  /** The script is 4.8 MB: asked for only after the page has been painted. */
  #load() {
    const add = () => {
      const there = document.getElementById(MAP_STYLE);
      if (window.Plotly) return this.#all();
      if (there) return there.addEventListener("load", () => this.#all());
      const script = document.createElement("script");
      script.id = MAP_STYLE;
      script.src = this.root.dataset.plotly;
      script.onload = () => this.#all();
      script.onerror = () => this.panels.forEach((panel) => panel.hint("The chart could not be loaded; the table has the numbers."));
      document.head.append(script);
    };
    requestAnimationFrame(() => setTimeout(add, 0));
  }

  #all() {
    for (const panel of this.panels) panel.isDirty = true;
    this.#soon();
  }

  /** At most four redraws a second, and none while nobody looks. */
  #soon() {
    if (this.waiting) return;
    const wait = Math.max(0, this.drawn + REDRAW_MS - performance.now());
    this.waiting = setTimeout(() => requestAnimationFrame(() => this.#draw()), wait);
  }

  #draw() {
    this.waiting = 0;
    this.drawn = performance.now();
    for (const panel of this.panels) panel.draw(look);
  }
}

/** Plotly's layout from the page's tokens, the same for both themes. `height`: of the plot, in which the title at its side must fit. */
function look(layout, height = Infinity) {
  const axis = { gridcolor: colour("line"), linecolor: colour("line"), zeroline: false, automargin: true, title: { standoff: 8 }, fixedrange: false };
  return {
    margin: { l: 52, r: 16, t: 12, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
    font: { family: colour("font"), size: 12, color: colour("muted") }, hovermode: "closest",
    hoverlabel: { bgcolor: colour("surface"), bordercolor: colour("line-strong"), font: { color: colour("text"), family: colour("font") } },
    ...layout, xaxis: merged(axis, layout.xaxis), yaxis: merged(axis, layout.yaxis, Math.floor((height - AROUND) / LETTER)),
  };
}

function merged(axis, own, room = Infinity) {
  return { ...axis, ...own, title: { ...axis.title, ...own?.title, text: inLines(safe(own?.title?.text ?? ""), room) } };
}
