// The form of a new experiment: data sets that do not fit the chosen model are marked, another recipe keeps what is chosen,
// and a long list is searched as one types.
const SEARCH_MS = 250;
const form = document.getElementById("launch");
const choice = (name) => form.elements[name];

/** A data set that takes other samples or classes than the model cannot be chosen; one that is chosen stays, and is named. */
function markMisfits() {
  const model = choice("model"), data = choice("dataset");
  if (!model?.options || !data?.options) return;
  const takes = model.selectedOptions[0]?.dataset.takes;
  for (const option of data.options) {
    const { takes: has, label } = option.dataset;
    if (!has) continue;
    option.dataset.label = label ?? option.textContent;
    const fits = !takes || takes === has;
    option.textContent = fits ? option.dataset.label : `${option.dataset.label} – does not fit: ${has}`;
    option.disabled = !fits && !option.selected;
  }
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

form.addEventListener("change", follow);
for (const input of form.querySelectorAll("[data-choices]")) new Search(input);
follow();
