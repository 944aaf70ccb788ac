// A drawn network that can be moved and zoomed by its viewBox: by mouse, by touch, by keyboard. The server draws it.
const CLOSEST = 0.18, FARTHEST = 3;   // drawing units a pixel
const BOX = 228;
const STEP = 80, GLIDE_MS = 180;

export class Graph extends EventTarget {
  constructor(place) {
    super();
    Object.assign(this, { place, pointers: new Map(), moved: 0 });
    for (const [name, act] of Object.entries({ wheel: this.#wheel, pointerdown: this.#down, pointermove: this.#move, pointerup: this.#up, pointercancel: this.#up })) {
      place.addEventListener(name, act.bind(this), { passive: false });
    }
    place.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.svg && this.look(this.view)).observe(place);
  }

  /** Take the drawing that was just brought; where one looked stays. */
  adopt() {
    const svg = this.place.querySelector("svg.network");
    if (!svg || svg === this.svg) return false;
    const isFirst = !this.svg;
    this.svg = svg;
    [this.width, this.height] = ["width", "height"].map((side) => Number(svg.getAttribute(side)));
    this.nodes = [...svg.querySelectorAll("[data-name]")];
    this.edges = [...svg.querySelectorAll("[data-e]")].map((edge) => [edge, ...edge.dataset.e.split(" ").map(Number)]);
    svg.classList.add("moves");
    this.place.classList.add("is-drawn");
    if (isFirst) this.#first();
    else this.look(this.view);
    const chosen = svg.querySelector(".n.on");
    if (chosen) this.#mark(chosen, isFirst);
    return true;
  }

  /** At first the upper end, at a size that can be read. */
  #first() {
    const scale = Math.max(1, Math.min(1.25, this.width / this.place.clientWidth)), input = this.svg.querySelector(".in rect");
    const middle = Number(input.getAttribute("x")) + Number(input.getAttribute("width")) / 2;
    this.look({ x: middle - (this.place.clientWidth * scale) / 2, y: 0, scale });
  }

  get #room() { return [this.place.clientWidth || 1, this.place.clientHeight || 1]; }

  look({ x, y, scale }, quietly = false) {
    const [wide, high] = this.#room;
    const held = (at, size, seen) => (size <= seen ? (size - seen) / 2 : Math.max(-80, Math.min(at, size - seen + 80)));
    const most = Math.max(FARTHEST, this.height / high, this.width / wide);
    const kept = Math.max(CLOSEST, Math.min(scale, most));
    this.view = { scale: kept, x: held(x, this.width, wide * kept), y: this.height <= high * kept ? Math.min(0, (this.height - high * kept) / 2) : held(y, this.height, high * kept) };
    this.svg.setAttribute("viewBox", `${this.view.x} ${this.view.y} ${wide * kept} ${high * kept}`);
    this.svg.classList.toggle("is-far", kept > 1.9);
    if (!quietly) this.dispatchEvent(new Event("look"));
  }

  /** Whoever moves the drawing is not carried on to where it was gliding. */
  #halt() { cancelAnimationFrame(this.gliding); }

  all() {
    this.#halt();
    const [wide, high] = this.#room;
    this.look({ x: 0, y: 0, scale: Math.max(this.width / wide, this.height / high) });
  }

  zoom(factor, at = { x: 0.5, y: 0.5 }) {
    this.#halt();
    const [wide, high] = this.#room, { x, y, scale } = this.view, next = Math.max(CLOSEST, scale * factor);
    this.look({ scale: next, x: x + wide * at.x * (scale - next), y: y + high * at.y * (scale - next) });
  }

  pan(right, down) {
    this.#halt();
    const { x, y, scale } = this.view;
    this.look({ scale, x: x + right * scale, y: y + down * scale });
  }

  named(name) { return this.nodes?.find((node) => node.dataset.name === name); }

  /** Ring one layer and what it reads and is read by; bring it into sight. */
  choose(name) {
    const node = this.named(name);
    if (node) this.#mark(node, true);
    return Boolean(node);
  }

  /** Ring several layers, as those of a block; none: no ring. */
  light(names, isSought) {
    const wanted = new Set(names), lit = this.nodes.filter((node) => wanted.has(node.dataset.name));
    for (const node of this.nodes) node.classList.toggle("on", wanted.has(node.dataset.name));
    for (const [edge] of this.edges) edge.classList.remove("on");
    this.svg.classList.toggle("has-choice", lit.length > 0);
    if (isSought && lit.length) this.#seek(lit[0]);
  }

  #mark(node, isSought) {
    for (const each of this.nodes) each.classList.toggle("on", each === node);
    const number = Number(node.dataset.n);
    for (const [edge, from, to] of this.edges) edge.classList.toggle("on", from === number || to === number);
    this.svg.classList.add("has-choice");
    if (isSought) this.#seek(node);
  }

  #seek(node) {
    const [x, y] = node.getAttribute("transform").match(/-?[\d.]+/g).map(Number), [wide, high] = this.#room, view = this.view;
    const [sees, looks] = [wide * view.scale, high * view.scale];
    const inSight = x > view.x && x + BOX < view.x + sees && y > view.y + 40 && y + 80 < view.y + looks;
    if (!inSight) this.#glide({ scale: view.scale, x: x + BOX / 2 - sees / 2, y: y + 20 - looks / 2 });
  }

  #glide(to) {
    this.#halt();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.look(to);
    const from = { ...this.view }, begun = performance.now();
    const step = (now) => {
      const part = Math.min(1, (now - begun) / GLIDE_MS), eased = part * (2 - part);
      this.look({ scale: to.scale, x: from.x + (to.x - from.x) * eased, y: from.y + (to.y - from.y) * eased });
      if (part < 1) this.gliding = requestAnimationFrame(step);
    };
    this.gliding = requestAnimationFrame(step);
  }

  /** Dim what the words do not match; how many they do. */
  search(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0, first = null;
    for (const node of this.nodes ?? []) {
      // Its second line is the kind; behind it stands the shape, which nobody searches for.
      const said = `${node.dataset.name} ${node.querySelector(".of").textContent.split(" · ")[0]}`.toLowerCase();
      const hit = words.every((word) => said.includes(word));
      node.classList.toggle("dim", !hit);
      if (hit) { found += 1; first ??= node; }
    }
    if (words.length && first) this.#seek(first);
    return found;
  }

  #wheel(event) {
    if (!this.svg) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const box = this.place.getBoundingClientRect();
      return this.zoom(Math.exp(event.deltaY / 300), { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height });
    }
    const before = { ...this.view };
    this.pan(event.shiftKey ? event.deltaY : event.deltaX, event.shiftKey ? 0 : event.deltaY);
    // At its end the page goes on.
    if (this.view.x !== before.x || this.view.y !== before.y) event.preventDefault();
  }

  #down(event) {
    if (!this.svg || event.button) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size === 1) { this.moved = 0; this.under = event.target.closest?.("[data-name]"); }
  }

  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (this.pointers.size === 2) this.#pinch(event.pointerId, before, now);
    else {
      this.moved += Math.hypot(now.x - before.x, now.y - before.y);
      if (this.moved > 4) {
        this.place.setPointerCapture(event.pointerId);
        this.place.classList.add("is-held");
        this.pan(before.x - now.x, before.y - now.y);
      }
    }
    this.pointers.set(event.pointerId, now);
  }

  #pinch(id, before, now) {
    const other = [...this.pointers].find(([key]) => key !== id)[1], box = this.place.getBoundingClientRect();
    const far = (point) => Math.max(10, Math.hypot(point.x - other.x, point.y - other.y));
    this.moved = 99;
    this.zoom(far(before) / far(now), { x: ((now.x + other.x) / 2 - box.left) / box.width, y: ((now.y + other.y) / 2 - box.top) / box.height });
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.place.classList.remove("is-held");
    if (event.type === "pointerup" && this.moved <= 4 && this.under) this.#chose(this.under.dataset.name);
    this.under = null;
  }

  #chose(name) {
    this.choose(name);
    this.dispatchEvent(new CustomEvent("chose", { detail: name }));
  }

  #key(event) {
    if (!this.svg || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowUp: () => this.#walk(-1), ArrowDown: () => this.#walk(1), ArrowLeft: () => this.pan(-STEP, 0), ArrowRight: () => this.pan(STEP, 0),
      PageUp: () => this.pan(0, -this.#room[1] * 0.8), PageDown: () => this.pan(0, this.#room[1] * 0.8),
      Home: () => this.#end(0), End: () => this.#end(this.height),
      "+": () => this.zoom(0.8), "=": () => this.zoom(0.8), "-": () => this.zoom(1.25), 0: () => this.all(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  #end(y) {
    this.#halt();
    this.look({ ...this.view, y });
  }

  /** On to the next layer that is not the same in the other network; from the last to the first. Whether there is one. */
  nextChange() {
    const changed = (this.nodes ?? []).filter((node) => !node.classList.contains("is-same"));
    const at = changed.findIndex((node) => node.classList.contains("on"));
    if (changed.length) this.#chose(changed[(at + 1) % changed.length].dataset.name);
    return changed.length > 0;
  }

  /** The next layer that is not dimmed; without a chosen one the first that is seen. */
  #walk(step) {
    const shown = this.nodes.filter((node) => !node.classList.contains("dim"));
    const at = shown.findIndex((node) => node.classList.contains("on"));
    const next = shown[Math.max(0, Math.min(shown.length - 1, at < 0 ? 0 : at + step))];
    if (next) this.#chose(next.dataset.name);
  }
}

/** The whole network beside the graph, with a frame around what is seen; a click goes there. */
export class Overview {
  constructor(place, graph) {
    Object.assign(this, { place, graph });
    graph.addEventListener("look", () => this.#frame());
    place.addEventListener("pointerdown", (event) => { place.setPointerCapture(event.pointerId); this.#go(event); });
    place.addEventListener("pointermove", (event) => { if (event.buttons) this.#go(event); });
  }

  adopt() {
    const { graph, place } = this, make = (kind) => document.createElementNS("http://www.w3.org/2000/svg", kind);
    const svg = make("svg");
    svg.setAttribute("viewBox", `0 0 ${graph.width} ${graph.height}`);
    svg.setAttribute("preserveAspectRatio", "none");
    for (const node of graph.nodes) {
      const [x, y] = node.getAttribute("transform").match(/-?[\d.]+/g), box = make("rect");
      box.setAttribute("class", node.getAttribute("class"));
      for (const [name, value] of Object.entries({ x, y: Number(y) - 8, width: BOX, height: 56 })) box.setAttribute(name, value);
      svg.append(box);
    }
    this.seen = make("rect");
    this.seen.setAttribute("class", "seen");
    svg.append(this.seen);
    place.replaceChildren(svg);
    place.hidden = false;
    this.#frame();
  }

  #frame() {
    if (!this.seen) return;
    const [x, y, width, height] = this.graph.svg.getAttribute("viewBox").split(" ");
    for (const [name, value] of Object.entries({ x, y, width, height })) this.seen.setAttribute(name, value);
  }

  #go(event) {
    const box = this.place.getBoundingClientRect(), { graph } = this, view = graph.view;
    graph.look({ ...view, y: ((event.clientY - box.top) / box.height) * graph.height - (graph.place.clientHeight * view.scale) / 2 });
  }
}
