// The page of joint plans: what is moved, ticked or dragged is asked at once, marks move to where they now are, and all of it
// stands in the address.
import { Chart } from "./joint/chart.js";
import { Limits } from "./joint/limits.js";
import { Asking } from "./planner/asking.js";
import { fitLabels } from "./planner/labels.js";
import { Rules } from "./planner/rules.js";
import { Sliders } from "./planner/sliders.js";

const TYPED_MS = 350, SAID_MS = 700;
const $ = (selector, root = document) => root.querySelector(selector);
const root = $("#joint");

class JointPlans {
  constructor() {
    this.asking = new Asking(root.dataset.part, { paint: (...said) => this.#paint(...said), silence: (isSilent) => this.#silence(isSilent) });
    this.said = this.#state.verdict;
    root.addEventListener("input", (event) => this.#moved(event));
    root.addEventListener("change", (event) => this.#changed(event));
    root.addEventListener("submit", (event) => this.#submitted(event));
    for (const told of ["rules", "limits"]) root.addEventListener(told, () => this.#ask());
    root.addEventListener("click", (event) => this.#shown(event));
    root.classList.add("is-live");
    new ResizeObserver(() => fitLabels(root)).observe(root);
    this.#adopt(true);
    this.#copying();
    if (this.#state.silent) this.#silence(true);
  }

  get #state() { return JSON.parse($("#joint-state").textContent); }
  get #form() { return $("#joint-form"); }

  #adopt(isWhole) {
    if (isWhole) {
      this.sliders = new Sliders(this.#form);
      this.rules = new Rules(this.#form);
      this.limits = new Limits(root, this.#form);
      $("[data-plan]", root).hidden = true;
    }
    this.limits.follow();
    fitLabels(root);
  }

  #moved({ target }) {
    if (!target.form || target.id.startsWith("b-")) return;
    if (target.type === "range") return this.#ask();
    if (["checkbox", "radio"].includes(target.type) || target.tagName === "SELECT") return;
    this.isTyped = true;
    if (target.id === "rule-typed") return;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#ask(), TYPED_MS);
  }

  #changed({ target }) {
    if (!target.form || target.id.startsWith("b-") || target.type === "range" || target.id === "rule-typed") return;
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

  /** A version of the front is looked at in place; with a modifier its link opens as links do. */
  #shown(event) {
    const link = event.target.closest?.("a[data-key], a[data-show], #choice-title + small a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.#form.elements.show.value = link.dataset.key ?? link.dataset.show ?? "";
    this.#ask();
  }

  #ask(isWhole = false, by = null) {
    this.isTyped = false;
    const told = by?.name ? new FormData(this.#form, by) : new FormData(this.#form);
    this.asking.ask(new URLSearchParams([...told].filter(([, value]) => value !== "")), isWhole);
  }

  #paint(text, isWhole, isLast) {
    const part = document.createElement("template");
    part.innerHTML = text;
    const state = JSON.parse($("#joint-state", part.content)?.textContent ?? "null");
    if (!state) return location.reload();
    // Another form would take away what was typed since this one was asked for: ask with it.
    if (isWhole && this.isTyped) return this.#ask(true);
    if (!isWhole) this.#mark(state);
    if (isLast && !Object.keys(state.faults).length) history.replaceState(history.state, "", `${location.pathname}?${state.query}`);
    if (state.silent) return this.#silence(true);
    this.#silence(false);
    const isFaulty = Object.keys(state.faults).length > 0 || Boolean(state.too_long);
    root.classList.toggle("is-old", isFaulty);
    const open = [...root.querySelectorAll("#result details[open]")].map(({ dataset }) => dataset.key), at = focused();
    if (isWhole) root.replaceChildren(part.content);
    else {
      $("#verdict").replaceWith($("#verdict", part.content));
      if (!isFaulty) this.#replace(part.content);
    }
    this.#adopt(isWhole);
    for (const details of root.querySelectorAll("#result details")) if (open.includes(details.dataset.key)) details.open = true;
    if (at && !root.contains(document.activeElement)) $(at, root)?.focus({ preventScroll: true });
    this.#say(state.verdict);
  }

  /** The chart that stands moves its marks to where they now are; everything else is new. */
  #replace(content) {
    const before = $("#joint-chart"), now = $("#joint-chart", content);
    const moved = before && now ? Chart.moved(before, now) : () => {};
    $("#result").replaceWith($("#result", content));
    moved();
  }

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
      place.parentElement.querySelector("input")?.toggleAttribute("aria-invalid", Boolean(text));
    }
  }

  #silence(isSilent) {
    let note = $(".planner-old", root);
    root.classList.toggle("is-old", isSilent);
    if (!isSilent) return void note?.remove();
    if (note) return;
    note = document.createElement("p");
    note.className = "note warn planner-old";
    note.setAttribute("role", "status");
    note.textContent = $("#joint-chart") ? "The planner does not answer. What stands below is what it said last; it is asked again by itself." : "The planner does not answer. It is asked again by itself.";
    root.prepend(note);
    if (!this.asking.waits) this.#ask();
  }

  /** Politely, and not at every step of a drag. */
  #say(verdict) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      if (verdict === this.said) return;
      this.said = verdict;
      $("#joint-said").textContent = verdict;
    }, SAID_MS);
  }

  #copying() {
    const button = $("#joint-copy");
    if (!button || !navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(location.href);
      $("#joint-said").textContent = "The link is copied: whoever of the team opens it sees the same.";
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy link"; }, 2000);
    });
  }
}

function focused() {
  const at = document.activeElement;
  if (!at || !root.contains(at)) return "";
  return at.id ? `#${CSS.escape(at.id)}` : at.dataset?.key ? `a[data-key="${CSS.escape(at.dataset.key)}"]` : at.dataset?.show ? `[data-show="${CSS.escape(at.dataset.show)}"]` : "";
}

if (root) new JointPlans();
