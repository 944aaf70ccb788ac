// Logarithmic sliders beside number fields: the field holds the number, the slider moves it in even steps of proportion.
export class Sliders {
  constructor(form) {
    this.form = form;
    for (const slider of form.querySelectorAll("input[type=range][data-of]")) this.#join(slider);
    for (const button of form.querySelectorAll("[data-reset]")) {
      button.hidden = false;
      button.addEventListener("click", () => this.#reset(button.closest("[data-way]")));
    }
  }

  #join(slider) {
    const field = document.getElementById(slider.dataset.of);
    slider.hidden = false;
    follow(slider, field);
    slider.addEventListener("input", () => {
      field.value = valueOf(slider);
      shown(slider, field);
      slider.dispatchEvent(new CustomEvent("moved", { bubbles: true, detail: slider.dataset.of }));
    });
    field.addEventListener("input", () => { follow(slider, field); shown(slider, field); });
  }

  #reset(way) {
    for (const field of way.querySelectorAll("[data-kept]")) {
      field.value = field.dataset.kept;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    way.querySelector("summary").focus();
  }
}

function valueOf(slider) {
  const low = Number(slider.dataset.low), high = Number(slider.dataset.high);
  return String(Number((low * (high / low) ** (slider.value / slider.max)).toPrecision(3)));
}

/** The slider stands where the field says, as near as it can. */
function follow(slider, field) {
  const low = Number(slider.dataset.low), high = Number(slider.dataset.high), value = Number(field.value);
  if (field.value.trim() !== "" && Number.isFinite(value)) slider.value = value > 0 ? (slider.max * Math.log(value / low)) / Math.log(high / low) : 0;
  slider.setAttribute("aria-valuetext", field.value ? `${field.value} ${slider.dataset.unit}` : "not known");
}

function shown(slider, field) {
  slider.setAttribute("aria-valuetext", `${field.value} ${slider.dataset.unit}`);
  const way = field.closest("[data-way]"), now = way.querySelector(`[data-now="${slider.dataset.of.split(".")[0]}"]`);
  if (now) now.textContent = `${field.value} ${slider.dataset.unit}`;
}
