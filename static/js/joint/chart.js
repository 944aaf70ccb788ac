// Marks that were there before begin where they were, and move to where they now are.
const PLACES = ["cx", "cy", "x", "y", "x1", "x2", "y1", "y2"];
const MOVING = ["cx", "cy", "x", "y"];

export class Chart {
  /** Call what this gives when the new chart stands in the page. */
  static moved(before, now) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return () => {};
    const old = byKey(before);
    const steps = [];
    for (const [key, mark] of byKey(now)) {
      const was = old.get(key);
      if (!was) continue;
      shapes(mark).forEach((shape, at) => {
        const from = shapes(was)[at];
        if (!from || from.tagName !== shape.tagName) return;
        for (const name of PLACES.filter((each) => shape.hasAttribute(each) && shape.getAttribute(each) !== from.getAttribute(each))) {
          if (!MOVING.includes(name)) continue;
          steps.push([shape, name, shape.getAttribute(name)]);
          shape.setAttribute(name, from.getAttribute(name));
        }
      });
    }
    return () => requestAnimationFrame(() => { for (const [shape, name, value] of steps) shape.setAttribute(name, value); });
  }
}

function byKey(chart) {
  return new Map([...chart.querySelectorAll("[data-key]")].map((mark) => [mark.dataset.key, mark]));
}

function shapes(mark) {
  return mark.matches("circle") ? [mark] : [...mark.querySelectorAll("circle, rect")];
}
