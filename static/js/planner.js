// The planner's page: devices and rules of one network, who wins over which link, and the plan that is kept.
import { $, PlannerPage } from "./planner/page.js";

const OF_DEVICES = /^(form|device|over|ms\..*|mbps\..*)$/;

class Planner extends PlannerPage {
  constructor(root) {
    super(root, "planner");
    // Who moves a link wants to see who wins over it, until something else was chosen.
    root.addEventListener("moved", ({ detail }) => this.#follow(detail));
    for (const act of ["pointerover", "focusin"]) root.addEventListener(act, (event) => this.#tell(event));
    for (const act of ["pointerout", "focusout"]) root.addEventListener(act, (event) => this.#tell(event, false));
  }

  adopt(isWhole) {
    super.adopt(isWhole);
    if (!isWhole) return;
    this.network = this.form.elements.network.value;
    this.overIsChosen = new URLSearchParams(location.search).has("varying");
  }

  changed(event) {
    if (event.target.id === "over") this.overIsChosen = true;
    super.changed(event);
  }

  /** Another network than the painted one is known on other devices: all of them, until one is unticked. */
  isSent(name, told) { return told.get("network") === this.network || !OF_DEVICES.test(name); }

  #follow(name) {
    const over = $("#over", this.root);
    if (this.overIsChosen || !over) return;
    const [kind, ...ends] = name.split(".");
    const wanted = `${kind === "mbps" ? "bandwidth" : "latency"}.${ends.join(".")}`;
    if ([...over.options].some(({ value }) => value === wanted)) over.value = wanted;
  }

  paint(...said) {
    super.paint(...said);
    this.#head();
  }

  /** The breadcrumb and the title follow the network. */
  #head() {
    const crumb = $(".crumbs [aria-current]");
    if (!crumb || crumb.textContent === this.network) return;
    document.title = document.title.replace(crumb.textContent, this.network);
    crumb.textContent = this.network;
  }

  /** And what the best plan uses. */
  mark(state) {
    super.mark(state);
    if (state.silent || state.too_long || Object.keys(state.faults).length) return;
    for (const place of this.root.querySelectorAll("[data-used]")) place.classList.toggle("is-used", state.used.includes(place.dataset.used));
  }

  offered() { return $("#result .plan.best")?.dataset.planKey ?? ""; }

  /** Under the band: the plan that the pointer or the focus rests on. */
  #tell(event, isOn = true) {
    const part = event.target.closest?.(".band [data-part]"), place = $("#band-told");
    if (!part || !place) return;
    place.dataset.rest ??= place.textContent;
    place.textContent = isOn ? part.getAttribute("aria-label") : place.dataset.rest;
  }

  /** What is open and where the focus is: a painted part has it again. */
  remembered() {
    const at = document.activeElement, plan = at?.closest?.("[data-plan-key]");
    return {
      open: [...this.root.querySelectorAll("details[open]")].map(keyOf).filter(Boolean),
      shut: [...this.root.querySelectorAll("details:not([open])")].map(keyOf).filter(Boolean),
      focus: at?.id ? `#${CSS.escape(at.id)}` : at?.dataset?.of ? `[data-of="${CSS.escape(at.dataset.of)}"]` : at?.dataset?.part ? `[data-part="${at.dataset.part}"]` : plan ? `[data-plan-key="${CSS.escape(plan.dataset.planKey)}"] summary` : "",
      isInside: this.root.contains(at) && at !== document.body,
    };
  }

  recall({ open, shut, focus, isInside }) {
    for (const details of this.root.querySelectorAll("details")) {
      if (open.includes(keyOf(details))) details.open = true;
      else if (details.dataset.way && shut.includes(keyOf(details))) details.open = false;
    }
    if (isInside && focus && !this.root.contains(document.activeElement)) this.root.querySelector(focus)?.focus({ preventScroll: true });
  }
}

function keyOf(details) {
  return details.dataset.planKey ?? details.dataset.way ?? details.dataset.key ?? (details.className || "");
}

const root = $("#planner");
if (root) new Planner(root);
