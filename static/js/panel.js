// One chart's place on the page: plot, legend that is made of buttons, table, CSV and SVG.
import { sig } from "./numbers.js";
import { inLight, picture, tones } from "./picture.js";

const CONFIG = { displayModeBar: false, doubleClick: "reset" };
const MARKS = {
  line: () => "M0 6H22", dot: () => "M11 1a5 5 0 1 0 .01 0z", square: () => "M5 1h11v10H5z",
  hatched: () => "M5 1h11v10H5zM5 6l5-5M5 11l10-10M11 11l5-5",
  star: () => "M11 0l1.8 3.9 4.2.5-3.1 2.9.8 4.2-3.7-2.1-3.7 2.1.8-4.2L5 4.4l4.2-.5z",
};
const DASHES = { dash: "5 3", dot: "2 3", dashdot: "5 3 2 3", longdash: "9 3", longdashdot: "9 3 2 3", "2px,6px": "2 5", "8px,2px,2px,2px,2px,2px": "7 2 2 2 2 2" };

export class Panel {
  constructor(place, model, chart) {
    Object.assign(this, { place, model, chart, hidden: new Set(), isDirty: false, showsTable: false });
    for (const part of ["plot", "legend", "caption", "data", "tools"]) this[part] = place.querySelector(`.${part}`);
    place.classList.toggle("short", chart.kind === "bars");
    this.#tools();
    if (model.controls) this.plot.after(model.controls(() => this.#redraw()));
    new ResizeObserver(() => this.#redraw()).observe(this.plot);
  }

  /** Draw again although no row came: the place, the theme or the choice has changed. */
  #redraw() {
    this.isDirty = true;
    this.place.dispatchEvent(new Event("redraw", { bubbles: true }));
  }

  append(rows) {
    for (const row of rows) if (this.model.append(row)) this.isDirty = true;
  }

  hint(text) {
    this.plot.querySelector(".hint")?.replaceChildren(text);
  }

  draw(look) {
    this.look = look;
    if (!this.isDirty || this.model.isEmpty) return;
    this.place.hidden = false;
    if (this.showsTable) this.#fillTable();
    this.#showSteps();
    if (!window.Plotly || this.plot.hidden) return;
    this.isDirty = false;
    this.plot.querySelector(".hint")?.remove();
    // Words first: they decide how much room the plot has.
    this.#fillLegend();
    this.caption.textContent = this.model.caption ?? "";
    const size = { width: this.plot.clientWidth, height: this.plot.clientHeight };
    const figure = this.model.figure(this.hidden, size);
    // Rows are added to the same arrays; without a new revision Plotly would take them for unchanged.
    this.revision = (this.revision ?? 0) + 1;
    window.Plotly.react(this.plot, figure.data, { ...look(figure.layout, size.height), ...size, datarevision: this.revision }, CONFIG);
    this.#hear();
  }

  /** What the pointer does on the chart is an event of its place: what else shows the same thing can follow. */
  #hear() {
    if (this.isHeard) return;
    this.isHeard = true;
    for (const act of ["hover", "unhover", "click"]) {
      this.plot.on(`plotly_${act}`, ({ points }) => this.place.dispatchEvent(new CustomEvent("point", { bubbles: true, detail: { act, x: String(points?.[0]?.x ?? "") } })));
    }
  }

  /** Let the bars of these names stand out; nothing: all alike. */
  light(names) {
    this.model.lit = new Set(names);
    this.#redraw();
  }

  #tools() {
    this.stepButtons = new Map();
    this.tableButton = this.#tool("table", () => this.#toggleTable());
    this.tableButton.setAttribute("aria-pressed", "false");
    this.#tool("CSV", () => download(`${this.#name}.csv`, new Blob([csv(this.model.table())], { type: "text/csv" })));
    this.#tool("SVG", () => this.#svg());
  }

  #tool(word, act, before = null) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "tool", textContent: word });
    button.setAttribute("aria-label", `${this.chart.title}: ${word}`);
    button.addEventListener("click", act);
    this.tools.insertBefore(button, before);
    return button;
  }

  /** A model that draws a part of what it has says how one steps through the rest; the table has all of it. */
  #showSteps() {
    const steps = this.showsTable ? [] : this.model.steps ?? [];
    for (const { word } of steps) if (!this.stepButtons.has(word)) this.stepButtons.set(word, this.#tool(word, () => this.#step(word), this.tableButton));
    for (const [word, button] of this.stepButtons) {
      const step = steps.find((each) => each.word === word);
      button.hidden = !step;
      button.setAttribute("aria-disabled", String(!step?.can));
    }
  }

  #step(word) {
    const step = this.model.steps.find((each) => each.word === word);
    if (!step?.can) return;
    step.act();
    this.#redraw();
  }

  get #name() { return this.chart.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"); }

  /** What is hidden here is left out there. */
  async #svg() {
    if (!window.Plotly || !this.look || this.model.isEmpty) return;
    const drawn = inLight(() => {
      const figure = this.model.figure(this.hidden), look = tones();
      const shown = this.model.entries.filter((entry) => !this.hidden.has(entry.key)).map((entry) => [swatch(entry), entry.label]);
      return { figure, look, swatches: shown, layout: { ...this.look(figure.layout), paper_bgcolor: look.ground, plot_bgcolor: look.ground } };
    });
    const made = await picture({ title: this.chart.title, caption: this.model.caption ?? "", ...drawn });
    download(`${this.#name}.svg`, new Blob([made], { type: "image/svg+xml" }));
  }

  #toggleTable() {
    this.showsTable = !this.showsTable;
    this.tableButton.setAttribute("aria-pressed", String(this.showsTable));
    this.data.hidden = !this.showsTable;
    this.plot.hidden = this.legend.hidden = this.showsTable;
    this.#showSteps();
    if (this.showsTable) this.#fillTable();
    else this.#redraw();
  }

  #fillTable() {
    const { head, rows } = this.model.table();
    const table = document.createElement("table");
    table.createTHead().insertRow().append(...head.map((text) => cell("th", text)));
    const body = table.createTBody();
    for (const row of rows) body.insertRow().append(...row.map((value) => cell("td", typeof value === "number" ? sig(value) : value ?? "–")));
    this.data.replaceChildren(table);
  }

  #fillLegend() {
    const entries = this.model.entries;
    const said = JSON.stringify([entries, [...this.hidden]]);
    if (said === this.legendSaid) return;
    this.legendSaid = said;
    const focused = this.legend.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.legend.replaceChildren(...entries.map((entry) => this.#entry(entry)));
    if (focused) [...this.legend.querySelectorAll("button")].find((button) => button.dataset.key === focused)?.focus();
  }

  #entry(entry) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.key = entry.key;
    button.setAttribute("aria-pressed", String(!this.hidden.has(entry.key)));
    button.append(swatch(entry), entry.label);
    button.addEventListener("click", () => this.#toggle(entry.key));
    item.append(button);
    return item;
  }

  #toggle(key) {
    if (!this.hidden.delete(key)) this.hidden.add(key);
    this.#redraw();
  }
}

function swatch(entry) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 22 12");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", MARKS[entry.mark](entry));
  const stroked = ["line", "hatched"].includes(entry.mark);
  path.setAttribute(stroked ? "stroke" : "fill", entry.colour);
  if (entry.mark === "hatched") path.setAttribute("fill", "none");
  if (entry.mark === "line") path.setAttribute("stroke-width", entry.thin ? "1.3" : "2");
  if (DASHES[entry.dash]) path.setAttribute("stroke-dasharray", DASHES[entry.dash]);
  svg.append(path);
  return svg;
}

function cell(kind, text) {
  const made = document.createElement(kind);
  if (kind === "th") made.scope = "col";
  made.textContent = text;
  return made;
}

function csv({ head, rows }) {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [head, ...rows].map((row) => row.map((value) => quoted(guarded(value))).join(",")).join("\r\n");
}

/** As apps/live/tables.py does it: numbers stay numbers, text that a spreadsheet would run begins with an apostrophe. */
function guarded(value) {
  if (value === null || value === undefined) return "";
  return typeof value !== "number" && /^ *[=+\-@\t\r\n\u00a0＝＋－＠]/.test(value) ? `'${value}` : String(value);
}

function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
