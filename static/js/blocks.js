// A network block by block: table, bars and graph show the same choice, which stands in the address.
import { bars } from "./bars_of_blocks.js";
import { Charts } from "./charts.js";
import { Graph } from "./graph.js";

const ASKED_AGAIN = 60, AGAIN_MS = 2000;

class Blocks {
  constructor(root) {
    this.root = root;
    this.config = JSON.parse(root.querySelector("#blocks-config").textContent);
    const own = root.querySelector("[data-plotly]");
    if (own) new Charts(own, this.config).append(bars(this.config));
    // A run draws its bars itself, as it measures: among the page's charts.
    this.stage = own ?? document.getElementById("charts");
    this.chosen = Number(root.dataset.chosen) || 0;
    this.stage.addEventListener("point", ({ detail: { act, x } }) => (act === "click" ? this.#choose(Number(x), "bar") : this.#look(act === "hover" ? Number(x) : 0, "bar")));
    root.addEventListener("pointerover", (event) => this.#look(numberOf(event), "row"));
    root.addEventListener("focusin", (event) => { if (numberOf(event)) this.#look(numberOf(event), "row", true); });
    root.addEventListener("focusout", () => this.#look(0));
    root.addEventListener("click", (event) => this.#clicked(event));
    this.#graph(root.querySelector("#blocks-graph"));
    // A table that was brought anew shows what was chosen and lit before: at once, and again when htmx has settled its attributes.
    for (const brought of ["htmx:afterSwap", "htmx:afterSettle"])
      root.addEventListener(brought, ({ target }) => { if (target.id === "blocks-card") { this.#pick(); this.#show(this.lit ?? 0); } });
    if (this.chosen) this.#show(this.chosen, true);
  }

  #graph(place) {
    if (!place) return;
    this.graph = new Graph(place);
    this.graph.addEventListener("chose", ({ detail }) => { const number = this.blockOf?.get(detail); if (number) this.#choose(number, "graph"); });
    place.addEventListener("pointerover", (event) => { const name = event.target.closest?.("[data-name]")?.dataset.name; if (name) this.#look(this.blockOf?.get(name) ?? 0, "graph"); });
    place.addEventListener("pointerleave", () => this.#look(0));
    document.body.addEventListener("htmx:responseError", (event) => { if (place.contains(event.detail.target)) this.#without("The network is gone, and its graph with it."); });
    // Who asks for a network that nobody has looked at yet has it described: a moment later it can be drawn.
    let left = ASKED_AGAIN;
    const adopt = () => {
      if (this.graph.adopt()) this.#join();
      else if (place.querySelector("[data-again]") && !this.asking && (left -= 1) >= 0) this.asking = setTimeout(() => { this.asking = 0; htmx.ajax("GET", place.getAttribute("hx-get"), { source: place, target: place, swap: "innerHTML" }); }, AGAIN_MS);
    };
    document.body.addEventListener("htmx:afterSettle", adopt);
    adopt();
  }

  #without(why) {
    this.graph.place.textContent = why;
    this.graph.place.classList.add("is-empty");
  }

  /** Which layers of the drawing belong to which block: those from its first to its last. */
  #join() {
    const names = this.graph.nodes.map((node) => node.dataset.name), places = new Map(names.map((name, place) => [name, place]));
    this.blockOf = new Map();
    this.config.spans.forEach(([first, last], i) => {
      const from = places.get(first), to = places.get(last);
      if (from !== undefined && to !== undefined) for (const name of names.slice(from, to + 1)) this.blockOf.set(name, i + 1);
    });
    this.root.querySelector("#blocks-unnamed").hidden = this.blockOf.size > 0;
    if (this.chosen) this.#show(this.chosen, true);
  }

  /** What the pointer or the focus rests on is lit; when it rests on nothing, what was chosen. */
  #look(number, from = "", isSought = false) {
    const now = number || this.chosen;
    if (now === this.lit) return;
    this.#show(now, (from === "row" && isSought) || (from === "bar" && number > 0));
  }

  #show(number, isSought) {
    this.lit = number;
    for (const row of this.#rows) row.classList.toggle("lit", Number(row.dataset.block) === number);
    this.stage.dispatchEvent(new CustomEvent("light", { detail: number ? [String(number)] : [] }));
    if (this.graph?.svg) this.graph.light([...this.blockOf].filter(([, of]) => of === number).map(([name]) => name), isSought);
  }

  #pick() {
    for (const row of this.#rows) row.classList.toggle("picked", Number(row.dataset.block) === this.chosen);
  }

  get #rows() { return this.root.querySelectorAll("tr[data-block]"); }

  #clicked(event) {
    const link = event.target.closest("a[data-of]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#choose(Number(link.dataset.of), "row");
  }

  /** Chosen again, it is let go. */
  #choose(number, from) {
    this.chosen = this.chosen === number ? 0 : number;
    const asked = new URLSearchParams(location.search);
    this.chosen ? asked.set("block", this.chosen) : asked.delete("block");
    history.replaceState(history.state, "", `${location.pathname}${asked.size ? `?${asked}` : ""}${location.hash}`);
    this.#pick();
    this.#show(this.chosen, from !== "graph");
    const row = this.root.querySelector(`tr[data-block="${this.chosen}"]`);
    if (row && from !== "row") inSight(row);
    this.root.querySelector("#blocks-said").textContent = row ? `Block ${number}: ${row.querySelector("a[data-of]").textContent}, ${row.dataset.told}` : "";
  }
}

/** Within its own table only: the page stays where it is. */
function inSight(row) {
  const box = row.closest(".scroll"), [at, seen] = [row.getBoundingClientRect(), box.getBoundingClientRect()];
  if (at.top < seen.top + 40 || at.bottom > seen.bottom) box.scrollTop += at.top - seen.top - box.clientHeight / 2;
}

function numberOf(event) {
  return Number(event.target.closest?.("tr[data-block]")?.dataset.block ?? 0);
}

/** The blocks may come later, in place of a panel that waited for them. */
function start() {
  const root = document.querySelector("#blocks:not([data-live])");
  if (!root) return;
  root.dataset.live = "yes";
  new Blocks(root);
}

document.addEventListener("htmx:afterSettle", start);
start();
