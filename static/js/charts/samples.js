// Every single measurement as a point, in the order it was made: drift, outliers and two-peaked noise are seen at once.
import { nthColour } from "../colours.js";
import { decimate } from "../numbers.js";
import { Line } from "./line.js";

const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "cross"];

export class Samples extends Line {
  drawn(trace) {
    const [x, y] = decimate(trace.x, trace.y);
    const style = this.style(trace);
    return { ...super.drawn(trace), x, y, mode: "markers", marker: { size: 5, opacity: 0.75, color: style.colour, symbol: style.symbol } };
  }

  style(trace) {
    const index = this.groups.get(trace.group);
    return { colour: nthColour(index), thin: false, dash: "solid", symbol: SYMBOLS[index % SYMBOLS.length] };
  }

  /** A run that timed very many inferences says only one of so many; its file has all. */
  get caption() {
    const apart = Math.max(...[...this.traces.values()].map((trace) => (trace.x.length > 1 ? trace.x[1] - trace.x[0] : 1)), 1);
    return apart > 1 ? `one in ${apart} inferences is drawn; the file of samples has all` : "";
  }

  get mark() { return "dot"; }
}
