// The deadline and the floor: a number, a slider and a line in the chart, which say the same.
const DIGITS = 3;

export class Limits {
  constructor(root, form) {
    Object.assign(this, { root, form });
    for (const place of form.querySelectorAll("[data-limit]")) this.#join(place);
    if (root.dataset.drags) return;
    root.dataset.drags = "on";
    root.addEventListener("pointerdown", (event) => this.#hold(event));
  }

  get #chart() { return this.root.querySelector("#joint-chart"); }

  #join(place) {
    const field = place.querySelector("input:not([type=range])"), slider = place.querySelector("input[type=range]");
    slider.hidden = false;
    slider.addEventListener("input", () => {
      const axis = this.#axis(field.name);
      if (axis) set(field, axis, slider.value / slider.max);
      this.#tell(slider, field);
    });
  }

  /** Sliders stand where their numbers do, on the axes of the chart as it now is. */
  follow() {
    for (const place of this.form.querySelectorAll("[data-limit]")) {
      const field = place.querySelector("input:not([type=range])"), slider = place.querySelector("input[type=range]"), axis = this.#axis(field.name);
      if (axis && document.activeElement !== slider) slider.value = slider.max * (field.value.trim() === "" ? axis.none : axis.share(Number(field.value)));
      this.#tell(slider, field);
    }
  }

  #tell(slider, field) {
    slider.setAttribute("aria-valuetext", field.value ? `${field.value} ${field.name === "floor" ? "%" : "ms"}` : field.placeholder);
  }

  #axis(name) {
    const chart = this.#chart;
    if (!chart) return null;
    const { low, high, least, most } = Object.fromEntries(Object.entries(chart.dataset).map(([key, value]) => [key, Number(value)]));
    return name === "floor"
      ? { none: 0, share: (value) => (value - least) / (most - least), value: (share) => Number((least + share * (most - least)).toFixed(1)) }
      : { none: 1, share: (value) => Math.log(value / low) / Math.log(high / low), value: (share) => Number((low * (high / low) ** share).toPrecision(DIGITS)) };
  }

  #hold(event) {
    const line = event.target.closest?.("[data-drag]");
    if (!line || event.button) return;
    event.preventDefault();
    const name = line.dataset.drag, field = this.root.querySelector("#joint-form").elements[name];
    const move = ({ clientX, clientY }) => {
      const box = this.#chart.getBoundingClientRect(), { top, bottom } = this.#chart.dataset;
      const share = name === "floor" ? (Number(bottom) - (clientY - box.top)) / (bottom - top) : (clientX - box.left) / box.width;
      set(field, this.#axis(name), Math.min(Math.max(share, 0), 1));
      this.follow();
      this.root.dispatchEvent(new CustomEvent("limits"));
    };
    const drop = () => {
      removeEventListener("pointermove", move);
      for (const end of ["pointerup", "pointercancel"]) removeEventListener(end, drop);
    };
    addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, drop);
  }
}

/** At its own end a limit is none. */
function set(field, axis, share) {
  field.value = share === axis.none ? "" : String(axis.value(share));
}
