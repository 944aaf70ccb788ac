// A chart as a picture that stands alone: white ground, the light theme's colours, its title, and the names of what it draws.
import { colour } from "./colours.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 900, PLOT = 480, SIDE = 20, ROW = 22, TITLE = 40;

/** Whatever is computed meanwhile sees the light theme; nothing is painted before it is taken back. */
export function inLight(compute) {
  const root = document.documentElement, before = root.dataset.theme;
  root.dataset.theme = "light";
  try { return compute(); } finally {
    if (before === undefined) delete root.dataset.theme;
    else root.dataset.theme = before;
  }
}

/** `swatches` are [mark as SVG, label] of everything that is shown. */
export async function picture({ title, caption, figure, layout, swatches, look }) {
  const address = await window.Plotly.toImage({ data: figure.data, layout: { ...layout, width: WIDTH, height: PLOT } }, { format: "svg", width: WIDTH, height: PLOT });
  const legend = placed(swatches, look.font), top = TITLE + legend.rows * ROW + 8, height = top + PLOT + (caption ? 30 : 10);
  const made = element("svg", { width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "font-family": look.font });
  // The plot stays text: read as a document, its style attributes would be refused by the content security policy.
  const plot = decodeURIComponent(address.slice(address.indexOf(",") + 1)).replace("<svg ", `<svg y="${top}" `);
  made.append(words("title", title), element("rect", { width: WIDTH, height, fill: look.ground }),
              words("text", title, { x: SIDE, y: 28, "font-size": 16, "font-weight": 600, fill: look.text }), ...legend.parts(look), element("g", { id: "plot" }));
  if (caption) made.append(words("text", caption, { x: SIDE, y: height - 12, "font-size": 12, fill: look.muted }));
  return new XMLSerializer().serializeToString(made).replace('<g id="plot"/>', () => plot);
}

/** The colours of words and ground, as they are in the theme that holds now. */
export function tones() {
  return { font: colour("font").replaceAll('"', "'"), ground: colour("surface"), text: colour("text"), muted: colour("muted") };
}

/** Entries beside each other, in as many rows as they need. */
function placed(swatches, font) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `13px ${font}`;
  let x = SIDE, row = 0;
  const spots = swatches.map(([mark, label]) => {
    const width = 30 + pen.measureText(label).width + 20;
    if (x > SIDE && x + width > WIDTH - SIDE) { x = SIDE; row += 1; }
    const spot = { mark, label, x, y: TITLE + row * ROW };
    x += width;
    return spot;
  });
  return { rows: swatches.length ? row + 1 : 0, parts: (look) => spots.flatMap((spot) => entry(spot, look)) };
}

function entry({ mark, label, x, y }, look) {
  place(mark, { x, y: y + 4, width: 22, height: 12 });
  if (mark.firstChild.getAttribute("stroke") !== null) mark.firstChild.setAttribute("fill", "none");
  return [mark, words("text", label, { x: x + 30, y: y + 15, "font-size": 13, fill: look.text })];
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  place(made, attributes);
  return made;
}

function words(name, text, attributes = {}) {
  const made = element(name, attributes);
  made.textContent = text;
  return made;
}

function place(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}
