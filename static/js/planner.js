// The planner's page: what is moved or ticked is asked at once, the answer is painted in place, and all of it stands in the address.
import { Asking } from "./planner/asking.js";
import { fitLabels } from "./planner/labels.js";
import { Rules } from "./planner/rules.js";
import { Sliders } from "./planner/sliders.js";

const TYPED_MS = 350, SAID_MS = 700;
const OF_DEVICES = /^(form|device|over|ms\..*|mbps\..*)$/;
const $ = (selector, root = document) => root.querySelector(selector);
const root = $("#planner");

class Planner {
  constructor() {
    this.asking = new Asking(root.dataset.part, { paint: (...said) => this.#paint(...said), silence: (isSilent) => this.#silence(isSilent) });
    this.said = this.verdict = this.#state.verdict;
    root.addEventListener("input", (event) => this.#moved(event));
    root.addEventListener("change", (event) => this.#changed(event));
    root.addEventListener("submit", (event) => this.#submitted(event));
    root.addEventListener("rules", () => this.#ask());
    // Who moves a link wants to see who wins over it, until something else was chosen.
    root.addEventListener("moved", ({ detail }) => this.#follow(detail));
    for (const act of ["pointerover", "focusin"]) root.addEventListener(act, (event) => this.#tell(event));
    for (const act of ["pointerout", "focusout"]) root.addEventListener(act, (event) => this.#tell(event, false));
    new ResizeObserver(() => fitLabels(root)).observe(root);
    this.#adopt(true);
    if (this.#state.silent) this.#silence(true);
  }

  get #state() { return JSON.parse($("#planner-state").textContent); }
  get #form() { return $("#planner-form"); }

  /** A form that was painted anew gets its sliders and its rules. */
  #adopt(isWhole) {
    if (isWhole) {
      this.sliders = new Sliders(this.#form);
      this.rules = new Rules(this.#form);
      $("[data-plan]", root).hidden = true;
      this.network = this.#form.elements.network.value;
      this.overIsChosen = new URLSearchParams(location.search).has("varying");
    }
    fitLabels(root);
  }

  #moved({ target }) {
    if (!target.form || target.id.startsWith("b-")) return;
    if (target.type === "range") return this.#ask();
    if (target.type === "checkbox" || target.tagName === "SELECT") return;
    this.isTyped = true;
    if (target.id === "rule-typed") return;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#ask(), TYPED_MS);
  }

  #changed({ target }) {
    if (!target.form || target.id.startsWith("b-") || target.type === "range" || target.id === "rule-typed") return;
    if (target.id === "over") this.overIsChosen = true;
    clearTimeout(this.typing);
    this.#ask("whole" in target.dataset);
  }

  #submitted(event) {
    if (event.target !== this.#form) return;
    event.preventDefault();
    const by = event.submitter;
    if (by?.name === "drop") { this.rules.drop(by.value); return this.#ask(); }
    if (by?.hasAttribute("data-add") || document.activeElement?.id === "rule-typed") return void (this.rules.addTyped() && this.#ask());
    this.#ask(by?.name === "first", by);
  }

  /** `isWhole`: other devices have other links, so the form is painted too. */
  #ask(isWhole = false, by = null) {
    this.isTyped = false;
    const told = by?.name ? new FormData(this.#form, by) : new FormData(this.#form);
    // Another network than the painted one is known on other devices: all of them, until one is unticked.
    const isOther = told.get("network") !== this.network;
    const query = new URLSearchParams([...told].filter(([name, value]) => value !== "" && !(isOther && OF_DEVICES.test(name))));
    this.asking.ask(query, isWhole);
  }

  #follow(name) {
    const over = $("#over", root);
    if (this.overIsChosen || !over) return;
    const [kind, ...ends] = name.split(".");
    const wanted = `${kind === "mbps" ? "bandwidth" : "latency"}.${ends.join(".")}`;
    if ([...over.options].some(({ value }) => value === wanted)) over.value = wanted;
  }

  /** `isLast`: nothing newer was asked meanwhile, so that the address may say it. */
  #paint(text, isWhole, isLast) {
    const part = document.createElement("template");
    part.innerHTML = text;
    const state = JSON.parse($("#planner-state", part.content)?.textContent ?? "null");
    if (!state) return location.reload();
    // Another form would take away what was typed since this one was asked for: ask with it.
    if (isWhole && this.isTyped) return this.#ask(true);
    if (!isWhole) this.#mark(state);
    if (isLast && !Object.keys(state.faults).length) history.replaceState(history.state, "", `${location.pathname}?${state.query}`);
    if (state.silent) return this.#silence(true);
    this.#silence(false);
    // What cannot be planned leaves the last answer in sight, greyed, until it is mended.
    const isFaulty = Object.keys(state.faults).length > 0 || Boolean(state.too_long);
    root.classList.toggle("is-old", isFaulty);
    const kept = remembered();
    if (isWhole) root.replaceChildren(part.content);
    else {
      $("#verdict").replaceWith($("#verdict", part.content));
      if (!isFaulty) $("#result").replaceWith($("#result", part.content));
    }
    this.#adopt(isWhole);
    recall(kept);
    this.#offer(state);
    this.#say(state.verdict);
    this.#head();
  }

  /** The breadcrumb and the title follow the network. */
  #head() {
    const crumb = $(".crumbs [aria-current]");
    if (!crumb || crumb.textContent === this.network) return;
    document.title = document.title.replace(crumb.textContent, this.network);
    crumb.textContent = this.network;
  }

  /** Faults at their fields, links that are tried, and what the best plan uses; the form itself stays as it is. */
  #mark(state) {
    this.rules.show(state.faults);
    for (const way of root.querySelectorAll("[data-way]")) {
      const of = state.ways[way.dataset.way] ?? { faults: [], tried: false };
      $(".fault", way).textContent = of.faults.join(" ");
      $(".fault", way).hidden = !of.faults.length;
      $(".trial", way).hidden = $("[data-trial]", way).hidden = !of.tried;
      for (const field of way.querySelectorAll(".dial input:not([type=range])")) field.toggleAttribute("aria-invalid", of.faults.length > 0);
    }
    for (const place of root.querySelectorAll("[data-fault]")) {
      const text = state.faults[place.dataset.fault] ?? "";
      Object.assign(place, { textContent: text, hidden: !text });
    }
    if (state.silent || state.too_long || Object.keys(state.faults).length) return;
    for (const place of root.querySelectorAll("[data-used]")) place.classList.toggle("is-used", state.used.includes(place.dataset.used));
  }

  #offer(state) {
    const save = $("#save");
    if (!save) return;
    const best = $("#result .plan.best")?.dataset.planKey ?? "";
    save.hidden = !best || Boolean(state.too_long) || Object.keys(state.faults).length > 0;
    if (!best) return;
    $("[name=query]", save).value = state.query;
    $("[name=plan]", save).value = best;
  }

  #silence(isSilent) {
    let note = $(".planner-old", root);
    root.classList.toggle("is-old", isSilent);
    if (!isSilent) return void note?.remove();
    if (note) return;
    note = document.createElement("p");
    note.className = "note warn planner-old";
    note.setAttribute("role", "status");
    note.textContent = $("#result .plan") ? "The planner does not answer. What stands below is what it said last; it is asked again by itself." : "The planner does not answer. It is asked again by itself.";
    root.prepend(note);
    if (!this.asking.waits) this.#ask();
  }

  /** Politely, and not at every step of a drag. */
  #say(verdict) {
    this.verdict = verdict;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      if (this.verdict === this.said) return;
      this.said = this.verdict;
      $("#planner-said").textContent = this.verdict;
    }, SAID_MS);
  }

  /** Under the band: the plan that the pointer or the focus rests on. */
  #tell(event, isOn = true) {
    const part = event.target.closest?.(".band [data-part]"), place = $("#band-told");
    if (!part || !place) return;
    place.dataset.rest ??= place.textContent;
    place.textContent = isOn ? part.getAttribute("aria-label") : place.dataset.rest;
  }
}

/** What is open and where the focus is: a painted part has it again. */
function remembered() {
  const at = document.activeElement, plan = at?.closest?.("[data-plan-key]");
  return {
    open: [...root.querySelectorAll("details[open]")].map(keyOf).filter(Boolean),
    shut: [...root.querySelectorAll("details:not([open])")].map(keyOf).filter(Boolean),
    focus: at?.id ? `#${CSS.escape(at.id)}` : at?.dataset?.of ? `[data-of="${CSS.escape(at.dataset.of)}"]` : at?.dataset?.part ? `[data-part="${at.dataset.part}"]` : plan ? `[data-plan-key="${CSS.escape(plan.dataset.planKey)}"] summary` : "",
    isInside: root.contains(at) && at !== document.body,
  };
}

function keyOf(details) {
  return details.dataset.planKey ?? details.dataset.way ?? details.dataset.key ?? (details.className || "");
}

function recall({ open, shut, focus, isInside }) {
  for (const details of root.querySelectorAll("details")) {
    if (open.includes(keyOf(details))) details.open = true;
    else if (details.dataset.way && shut.includes(keyOf(details))) details.open = false;
  }
  if (isInside && focus && !root.contains(document.activeElement)) root.querySelector(focus)?.focus({ preventScroll: true });
}

if (root) new Planner();
