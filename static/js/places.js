// Who has a number of their own on a page, as label `place` says: the same colour in every chart that names them. Below 0 it is
// nobody's: drawn in the colour of text, where there are several in dashes.
import { colour, runColour } from "./colours.js";

export class Places {
  constructor(charts) {
    Object.assign(this, { charts, places: new Map() });
  }

  /** What these rows say of places; whether anything of it is new. */
  hear(rows) {
    const before = this.places.size;
    for (const { type, body } of rows) if (type === "metric" && body.labels?.place !== undefined) this.#learn(body);
    return this.places.size > before;
  }

  /** On bars it is what stands under them that has the place, else whoever is told apart. */
  #learn({ name, labels }) {
    for (const chart of this.charts.filter(({ y }) => y?.includes(name))) {
      const who = labels[chart.kind === "bars" ? chart.x : chart.by];
      if (who !== undefined) this.places.set(String(who), Number(labels.place));
    }
  }

  has(name) { return this.places.has(name); }

  /** Nothing of who has no place. */
  colour(name) {
    if (!this.has(name)) return null;
    const place = this.places.get(name);
    return place < 0 ? colour("text") : runColour(place);
  }

  /** The how many-eth dashes are those of who has no colour of their own; 0 of the others. */
  among(name) { return Math.max(0, -1 - this.places.get(name)); }
}
