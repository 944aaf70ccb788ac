// The list of rules: lines are added, built from parts and taken away; what is wrong with one stands at it.
const SENTENCES = {
  sends: ({ where, number, unit }) => `${where} sends at most ${number} ${unit}`,
  takes: ({ where, number, unit }) => `${where} takes at most ${number} ${unit}`,
  holds: ({ where, number, unit }) => `${where} holds at most ${number} ${unit}`,
  in: ({ where, number }) => `blocks ${number} in ${where}`,
  "not in": ({ where, number }) => `blocks ${number} not in ${where}`,
  use: ({ where }) => `use ${where}`,
  "leave out": ({ where }) => `leave out ${where}`,
  crossing: ({ number }) => `at most ${number} crossing tensor${number === "1" ? "" : "s"}`,
};

export class Rules {
  constructor(form) {
    this.form = form;
    this.place = form.querySelector("#rules");
    for (const line of this.#lines) this.#offer(line);
    this.place.addEventListener("click", ({ target }) => { if (target.matches("[data-away]")) this.#away(target.closest(".rule")); });
    this.#builder();
  }

  get #lines() { return this.place.querySelectorAll(".rule.line"); }

  /** The rules as the server counts them: boxes that are ticked, lines that are not empty. */
  get #told() {
    return [...this.place.querySelectorAll("input[name=rule]")].filter((field) => (field.type === "checkbox" ? field.checked : field.value.trim()));
  }

  #offer(line) { line.querySelector("[data-away]").hidden = false; }

  #changed() { this.place.dispatchEvent(new CustomEvent("rules", { bubbles: true })); }

  #away(line) {
    line.remove();
    this.place.querySelector("#rule-typed").focus();
    this.#changed();
  }

  addTyped() {
    const typed = this.place.querySelector("#rule-typed");
    const text = typed.value.trim();
    typed.value = "";
    return this.add(text);
  }

  add(text) {
    if (!text) return false;
    const same = [...this.place.querySelectorAll("input[name=rule]")].find((field) => field.id !== "rule-typed" && field.value === text);
    if (same) { if (same.type === "checkbox") same.checked = true; return true; }
    const line = this.place.querySelector("#rule-line").content.firstElementChild.cloneNode(true);
    line.querySelector("input").value = text;
    this.#offer(line);
    this.place.querySelector("#rule-new").before(line);
    return true;
  }

  drop(text) {
    for (const field of this.#told.filter(({ value }) => value.trim() === text)) {
      if (field.type === "checkbox") field.checked = false;
      else field.closest(".rule.line")?.remove();
    }
  }

  show(faults) {
    const told = this.#told;
    for (const field of this.place.querySelectorAll("input[name=rule]")) {
      const text = told.includes(field) ? (faults[`rules.${told.indexOf(field)}`] ?? "") : "";
      const rule = field.closest(".rule");
      let place = rule.querySelector(".error");
      if (!place && text) rule.append((place = Object.assign(document.createElement("p"), { className: "error" })));
      if (place) Object.assign(place, { textContent: text, hidden: !text });
      text ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
    }
  }

  #builder() {
    const part = (name) => this.form.querySelector(`#b-${name}`);
    this.form.querySelector("#builder").hidden = false;
    const kind = part("kind"), where = part("where"), number = part("number"), unit = part("unit");
    const written = () => { part("line").textContent = SENTENCES[kind.value]({ where: where.value, number: number.value.trim(), unit: unit.value }); };
    const chosen = () => {
      const { units, blocks, number: usual, nowhere } = kind.selectedOptions[0].dataset;
      unit.replaceChildren(...(units ?? "").split(" ").filter(Boolean).map((each) => new Option(each)));
      unit.closest(".field").hidden = !units;
      where.closest(".field").hidden = Boolean(nowhere);
      number.closest(".field").hidden = !blocks && !usual;
      number.closest(".field").querySelector("label").textContent = blocks ? "Blocks" : "How much";
      number.value = blocks ?? usual ?? "";
      written();
    };
    kind.addEventListener("change", chosen);
    for (const each of [where, number, unit]) each.addEventListener("input", written);
    part("add").addEventListener("click", () => { this.add(part("line").textContent); this.#changed(); });
    chosen();
  }
}
