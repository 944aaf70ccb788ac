// A page that asks the planner: what is moved, ticked or typed is asked at once, the answer is painted in place, and all of it
// stands in the address. What one page has of its own it adds to these.
import { Asking } from "./asking.js";
import { fitLabels } from "./labels.js";
import { Rules } from "./rules.js";
import { Sliders } from "./sliders.js";

const TYPED_MS = 350, SAID_MS = 700;
const SILENCE = "The planner does not answer.", LAST = "What stands below is what it said last; it is asked again by itself.", AGAIN = "It is asked again by itself.";
export const $ = (selector, root = document) => root.querySelector(selector);

export class PlannerPage {
  /** `name`: with which the ids of its form, its state and what it says begin. */
  constructor(root, name) {
    Object.assign(this, { root, name });
    this.asking = new Asking(root.dataset.part, { paint: (...said) => this.paint(...said), silence: (isSilent) => this.silence(isSilent) });
    this.said = this.verdict = this.state.verdict;
    root.addEventListener("input", (event) => this.moved(event));
    root.addEventListener("change", (event) => this.changed(event));
    root.addEventListener("submit", (event) => this.submitted(event));
    root.addEventListener("rules", () => this.ask());
    new ResizeObserver(() => fitLabels(root)).observe(root);
    this.adopt(true);
    if (this.state.silent) this.silence(true);
  }

  get state() { return JSON.parse($(`#${this.name}-state`).textContent); }
  get form() { return $(`#${this.name}-form`); }
  /** Whether an answer is in sight. */
  get answered() { return $("#result .plan", this.root) !== null; }

  /** A form that was painted anew gets its sliders and its rules. */
  adopt(isWhole) {
    if (isWhole) {
      this.sliders = new Sliders(this.form);
      this.rules = new Rules(this.form);
      $("[data-plan]", this.root).hidden = true;
    }
    fitLabels(this.root);
  }

  moved({ target }) {
    if (!target.form || target.id.startsWith("b-")) return;
    if (target.type === "range") return this.ask();
    if (["checkbox", "radio"].includes(target.type) || target.tagName === "SELECT") return;
    this.isTyped = true;
    if (target.id === "rule-typed") return;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.ask(), TYPED_MS);
  }

  changed({ target }) {
    if (!target.form || target.id.startsWith("b-") || target.type === "range" || target.id === "rule-typed") return;
    clearTimeout(this.typing);
    this.ask("whole" in target.dataset);
  }

  submitted(event) {
    if (event.target !== this.form) return;
    event.preventDefault();
    const by = event.submitter;
    if (by?.name === "drop") { this.rules.drop(by.value); return this.ask(); }
    if (by?.hasAttribute("data-add") || document.activeElement?.id === "rule-typed") return void (this.rules.addTyped() && this.ask());
    this.ask(by?.name === "first", by);
  }

  /** `isWhole`: other devices have other links, so the form is painted too. */
  ask(isWhole = false, by = null) {
    this.isTyped = false;
    const told = by?.name ? new FormData(this.form, by) : new FormData(this.form);
    this.asking.ask(new URLSearchParams([...told].filter(([name, value]) => value !== "" && this.isSent(name, told))), isWhole);
  }

  isSent() { return true; }

  /** `isLast`: nothing newer was asked meanwhile, so that the address may say it. */
  paint(text, isWhole, isLast) {
    const part = document.createElement("template");
    part.innerHTML = text;
    const state = JSON.parse($(`#${this.name}-state`, part.content)?.textContent ?? "null");
    if (!state) return location.reload();
    // Another form would take away what was typed since this one was asked for: ask with it.
    if (isWhole && this.isTyped) return this.ask(true);
    if (!isWhole) this.mark(state);
    if (isLast && !Object.keys(state.faults).length) history.replaceState(history.state, "", `${location.pathname}?${state.query}`);
    if (state.silent) return this.silence(true);
    this.silence(false);
    // What cannot be planned leaves the last answer in sight, greyed, until it is mended.
    const isFaulty = Object.keys(state.faults).length > 0 || Boolean(state.too_long);
    this.root.classList.toggle("is-old", isFaulty);
    const kept = this.remembered();
    if (isWhole) this.root.replaceChildren(part.content);
    else {
      $("#verdict").replaceWith($("#verdict", part.content));
      if (!isFaulty) this.replace(part.content);
    }
    this.adopt(isWhole);
    this.recall(kept);
    this.offer(state, isFaulty);
    this.say(state.verdict);
  }

  replace(content) { $("#result").replaceWith($("#result", content)); }

  /** Faults at their fields, and links that are tried; the form itself stays as it is. */
  mark(state) {
    this.rules.show(state.faults);
    for (const way of this.root.querySelectorAll("[data-way]")) {
      const of = state.ways[way.dataset.way] ?? { faults: [], tried: false };
      $(".fault", way).textContent = of.faults.join(" ");
      $(".fault", way).hidden = !of.faults.length;
      $(".trial", way).hidden = $("[data-trial]", way).hidden = !of.tried;
      for (const field of way.querySelectorAll(".dial input:not([type=range])")) field.toggleAttribute("aria-invalid", of.faults.length > 0);
    }
    for (const place of this.root.querySelectorAll("[data-fault]")) {
      const text = state.faults[place.dataset.fault] ?? "";
      Object.assign(place, { textContent: text, hidden: !text });
      place.parentElement.querySelector("input")?.toggleAttribute("aria-invalid", Boolean(text));
    }
  }

  /** What the form beside the title keeps: the plan of this key, as the address has it. */
  offer(state, isFaulty) {
    const save = $("#save"), key = this.offered(state);
    if (!save) return;
    save.hidden = !key || isFaulty;
    if (!key) return;
    $("[name=query]", save).value = state.query;
    $("[name=plan]", save).value = key;
  }

  silence(isSilent) {
    let note = $(".planner-old", this.root);
    this.root.classList.toggle("is-old", isSilent);
    if (!isSilent) return void note?.remove();
    if (note) return;
    note = document.createElement("p");
    note.className = "note warn planner-old";
    note.setAttribute("role", "status");
    note.textContent = `${SILENCE} ${this.answered ? LAST : AGAIN}`;
    this.root.prepend(note);
    if (!this.asking.waits) this.ask();
  }

  /** Politely, and not at every step of a drag. */
  say(verdict) {
    this.verdict = verdict;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      if (this.verdict === this.said) return;
      this.said = this.verdict;
      $(`#${this.name}-said`).textContent = this.verdict;
    }, SAID_MS);
  }
}
