// The page of joint plans: marks move to where they now are, limits are dragged in the chart, a version of the front is looked at.
import { Chart } from "./joint/chart.js";
import { Limits } from "./joint/limits.js";
import { $, PlannerPage } from "./planner/page.js";

class JointPlans extends PlannerPage {
  constructor(root) {
    super(root, "joint");
    root.addEventListener("limits", () => this.ask());
    root.addEventListener("click", (event) => this.#shown(event));
    root.classList.add("is-live");
    this.#copying();
  }

  get answered() { return $("#joint-chart") !== null; }

  adopt(isWhole) {
    super.adopt(isWhole);
    if (isWhole) this.limits = new Limits(this.root, this.form);
    this.limits.follow();
  }

  /** A version of the front is looked at in place; with a modifier its link opens as links do. */
  #shown(event) {
    const link = event.target.closest?.("a[data-key], a[data-show], #choice-title + small a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.form.elements.show.value = link.dataset.key ?? link.dataset.show ?? "";
    this.ask();
  }

  /** The chart that stands moves its marks to where they now are; everything else is new. */
  replace(content) {
    const before = $("#joint-chart"), now = $("#joint-chart", content);
    const moved = before && now ? Chart.moved(before, now) : () => {};
    super.replace(content);
    moved();
  }

  /** What is looked at; its own name in the form until somebody typed another. */
  offered(state) {
    const name = $("#save-name");
    if (name && name.value === name.defaultValue && state.variant) name.value = name.defaultValue = state.variant;
    return state.shown;
  }

  remembered() {
    return { open: [...this.root.querySelectorAll("#result details[open]")].map(({ dataset }) => dataset.key), at: this.#focused() };
  }

  recall({ open, at }) {
    for (const details of this.root.querySelectorAll("#result details")) if (open.includes(details.dataset.key)) details.open = true;
    if (at && !this.root.contains(document.activeElement)) $(at, this.root)?.focus({ preventScroll: true });
  }

  #focused() {
    const at = document.activeElement;
    if (!at || !this.root.contains(at)) return "";
    return at.id ? `#${CSS.escape(at.id)}` : at.dataset?.key ? `a[data-key="${CSS.escape(at.dataset.key)}"]` : at.dataset?.show ? `[data-show="${CSS.escape(at.dataset.show)}"]` : "";
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

const root = $("#joint");
if (root) new JointPlans(root);
