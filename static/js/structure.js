// The pages about a network's structure: charts, graph, table and the chosen layer show the same choice, which stands in the address.
import { Charts } from "./charts.js";
import { Graph, Overview } from "./graph.js";

const TYPING_MS = 220;

class Explorer {
  constructor(root) {
    this.root = root;
    this.form = root.querySelector("form.explore");
    this.search = root.querySelector("#layer-search");
    this.graph = new Graph(root.querySelector("#graph"));
    this.overview = new Overview(root.querySelector("#map"), this.graph);
    this.graph.addEventListener("chose", (event) => this.#choose(event.detail, false));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.search.addEventListener("input", () => this.#typed());
    root.querySelector("#heat").addEventListener("change", (event) => this.#heat(event.target.value));
    root.querySelector("#show-cuts")?.addEventListener("change", (event) => { this.#set({ cuts: event.target.checked ? "" : "off" }); this.#draw(); });
    root.addEventListener("change", (event) => event.target.id === "most" && this.#most(event.target.value));
    root.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("htmx:afterSettle", () => this.#drawn());
    zooms(root, [this.graph]);
    this.#charts();
    this.#drawn();
  }

  get #asked() { return new URLSearchParams(location.search); }

  /** The address says what is shown; a reload shows the same. */
  #set(changes) {
    const asked = this.#asked;
    for (const [name, value] of Object.entries(changes)) value ? asked.set(name, value) : asked.delete(name);
    const query = asked.toString();
    history.replaceState(history.state, "", location.pathname + (query ? `?${query}` : "") + location.hash);
  }

  #charts() {
    const profile = JSON.parse(document.getElementById("profile").textContent);
    const charts = new Charts(document.getElementById("charts"), { ...profile, charts: profile.charts.map((chart) => ({ ...chart, profile })) });
    charts.append([{ type: "profile" }]);
    this.root.addEventListener("plotly_layer", (event) => this.#choose(event.detail, true));
  }

  #drawn() {
    if (!this.graph.adopt()) return;
    this.overview.adopt();
    if (this.search.value) this.graph.search(this.search.value);
  }

  #typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      const text = this.search.value.trim();
      this.#set({ q: text, page: "" });
      if (this.graph.svg) this.#count(this.graph.search(text), text);
      this.#table();
    }, TYPING_MS);
  }

  #count(found, text) {
    document.getElementById("found").textContent = text ? `${found} of ${this.graph.nodes.length} layers` : "";
    if (this.graph.svg) this.overview.adopt();
  }

  #heat(column) {
    this.#set({ heat: column });
    for (const scale of this.root.querySelectorAll("[data-scale]")) scale.hidden = scale.dataset.scale !== column;
    this.#draw();
    this.#table();
  }

  #most(number) {
    this.#set({ most: number === "1" ? "" : number });
    htmx.ajax("GET", `${this.root.dataset.page}?${this.#asked}`, { source: "#cuts-card", target: "#cuts-card", swap: "outerHTML", select: "#cuts-card" });
  }

  #draw() {
    const asked = this.#asked;
    for (const name of ["sort", "down", "page"]) asked.delete(name);
    const address = `${this.root.dataset.graph}?${asked}`;
    document.getElementById("graph-svg").href = address;
    htmx.ajax("GET", address, { source: "#graph", target: "#graph", swap: "innerHTML" });
  }

  #table() {
    htmx.ajax("GET", `${this.root.dataset.layers}?${this.#asked}`, { source: "#layers", target: "#layers", swap: "outerHTML" });
  }

  #clicked(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a"), name = link?.dataset.node;
    if (name !== undefined) {
      event.preventDefault();
      this.#choose(name, true);
      if (!link.closest("#graph-card")) document.getElementById("graph-card").scrollIntoView({ block: "start" });
    } else if (link?.closest("#layers") && (link.dataset.view !== undefined || link.rel)) {
      event.preventDefault();
      const asked = new URL(link.href).searchParams;
      this.#set({ sort: asked.get("sort"), down: asked.get("down"), page: asked.get("page") });
      this.#table();
    }
  }

  #choose(name, isSought) {
    this.#set({ node: name });
    if (isSought && this.graph.svg) this.graph.choose(name);
    for (const row of this.root.querySelectorAll("#layers tbody tr")) row.classList.toggle("picked", row.querySelector("a")?.dataset.node === name);
    const asked = this.#asked;
    // Keys held down walk over many layers: only where one stops is asked for.
    clearTimeout(this.choosing);
    this.choosing = setTimeout(() => htmx.ajax("GET", `${this.root.dataset.layer}?${asked}`, { source: "#chosen", target: "#chosen", swap: "innerHTML" }), 120);
  }
}

function zooms(root, graphs) {
  root.querySelector(".zooms").hidden = false;
  for (const button of root.querySelectorAll("[data-zoom]")) {
    const factor = Number(button.dataset.zoom);
    button.addEventListener("click", () => graphs.forEach((graph) => graph.svg && (factor ? graph.zoom(factor) : graph.all())));
  }
}

/** Two graphs that are moved together: a layer chosen in one is chosen in the other, where it is still there. */
function pair(root) {
  const graphs = [...root.querySelectorAll("[data-graph]")].map((place) => new Graph(place));
  graphs.forEach((graph, at) => {
    const other = graphs[1 - at];
    graph.addEventListener("chose", (event) => other.svg && other.choose(event.detail));
    graph.addEventListener("look", () => {
      if (!other.svg) return;
      const { scale } = graph.view, room = (each) => Math.max(1, each.height - each.place.clientHeight * scale);
      other.look({ x: other.view.x, y: (graph.view.y / room(graph)) * room(other), scale }, true);
    });
  });
  zooms(root, graphs.slice(0, 1));
  root.querySelector("[data-next]")?.addEventListener("click", () => graphs.some((graph) => graph.nextChange()));
  const adopt = () => graphs.forEach((graph) => graph.adopt());
  root.addEventListener("htmx:afterSettle", adopt);
  adopt();
}

/** The section may come later, in place of the panel that waited for it. */
function start() {
  const one = document.querySelector("#structure.structure:not([data-live])");
  const two = document.querySelector("#difference.structure:not([data-live])");
  for (const root of [one, two]) if (root) root.dataset.live = "yes";
  if (one) new Explorer(one);
  if (two) pair(two);
}

document.addEventListener("htmx:afterSettle", start);
start();
