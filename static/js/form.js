// The form of a new experiment: data sets that do not fit the chosen model are marked, another recipe keeps what is chosen.
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

form.addEventListener("change", follow);
follow();
