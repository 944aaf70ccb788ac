// The form of a new experiment: data sets that do not fit the chosen model are marked, another recipe keeps what is chosen,
// and a long list is searched as one types.
import { adoptCuts } from "./cut_places.js";
import { adoptFiles } from "./text_file.js";
import { adoptNames } from "./whole_names.js";

const SEARCH_MS = 250;
const form = document.getElementById("launch");
const choice = (name) => form.elements[name];

/**
 * A data set that takes other samples or classes than the model cannot be chosen; one that is chosen stays, and is named.
 * Where only one fits it is chosen, until another model takes another.
 */
function markMisfits() {
  const model = choice("model"), data = choice("dataset");
  if (!model?.options || !data?.options) return;
  const takes = model.selectedOptions[0]?.dataset.takes;
  if (data.value === data.dataset.found && data.selectedOptions[0]?.dataset.takes !== takes) data.value = "";
  for (const option of data.options) {
    const { takes: has, label } = option.dataset;
    if (!has) continue;
    option.dataset.label = label ?? option.textContent;
    const fits = !takes || takes === has;
    option.textContent = fits ? option.dataset.label : `${option.dataset.label} – does not fit: ${has}`;
    option.disabled = !fits && !option.selected;
  }
  const fitting = [...data.options].filter((option) => option.value && !option.disabled);
  if (takes && !data.value && fitting.length === 1) data.value = data.dataset.found = fitting[0].value;
}

function carry() {
  const chosen = new URLSearchParams();
  for (const name of ["model", "dataset", "device"]) if (choice(name)?.value) chosen.set(name, choice(name).value);
  for (const link of document.querySelectorAll("#recipes a")) link.search = chosen.toString();
}

function follow() {
  markMisfits();
  carry();
}

/** What is searched for replaces what the list offers; what is chosen stays chosen. */
class Search {
  constructor(input) {
    Object.assign(this, { input, list: document.getElementById(input.getAttribute("aria-controls")), timer: 0, asked: 0 });
    input.addEventListener("input", () => this.#soon());
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); this.#ask(); }
      if (event.key === "ArrowDown") { event.preventDefault(); this.list.focus(); }
    });
    input.nextElementSibling.hidden = true;
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), SEARCH_MS);
  }

  async #ask() {
    clearTimeout(this.timer);
    const turn = (this.asked += 1);
    const answer = await fetch(`${this.input.dataset.choices}?q=${encodeURIComponent(this.input.value)}`).catch(() => null);
    if (!answer?.ok || turn !== this.asked) return;
    const { choices, most } = await answer.json();
    if (turn === this.asked) this.#show(choices, most);
  }

  #show(choices, most) {
    const [empty, chosen] = [this.list.options[0], this.list.selectedOptions[0]];
    const kept = chosen?.value && !choices.some((each) => each.id === chosen.value) ? [chosen] : [];
    const made = choices.map((each) => {
      const option = new Option(each.label, each.id, false, each.id === chosen?.value);
      option.dataset.takes = each.takes;
      return option;
    });
    this.list.replaceChildren(empty, ...kept, ...made);
    document.getElementById(`${this.list.id}-found`).textContent = choices.length < most ? `${choices.length} found` : `the first ${most}; type more to narrow`;
    markMisfits();
  }
}

/** What is mended loses its red message and is counted no more; the next start judges it anew. */
function mended({ target }) {
  if (target.getAttribute("aria-invalid") !== "true") return;
  target.removeAttribute("aria-invalid");
  document.getElementById(`${target.id}_error`)?.remove();
  const box = document.getElementById("form-errors");
  box?.querySelector(`a[href="#${target.id}"]`)?.closest("li").remove();
  const left = box?.querySelectorAll("li").length ?? 0;
  if (box && left) box.querySelector("b").textContent = `${left} ${left === 1 ? "thing" : "things"} to mend. Everything you typed is kept.`;
  else box?.remove();
}

/** In the strip of recipes on a phone, the chosen one is seen; the page itself stays at its top, where messages stand. */
function showRecipe() {
  const strip = document.getElementById("recipes"), chosen = strip?.querySelector("[aria-current]");
  if (!chosen) return;
  const [outer, inner] = [strip.getBoundingClientRect(), chosen.getBoundingClientRect()];
  strip.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
}

form.addEventListener("input", mended);
form.addEventListener("change", follow);
showRecipe();
for (const input of form.querySelectorAll("[data-choices]")) new Search(input);
adoptCuts(form);
adoptFiles();
follow();
adoptNames(form);
