// Several devices on one network: their bars beside each other; what the pointer rests on is lit in the table and in the chart.
import { bars } from "./bars_of_blocks.js";
import { Charts } from "./charts.js";

const page = JSON.parse(document.getElementById("page-config").textContent);
const charts = new Charts(document.getElementById("charts"), page);
charts.append(bars(page));

let lit = 0;

function light(number) {
  if (number === lit) return;
  lit = number;
  for (const row of document.querySelectorAll("tr[data-block]")) row.classList.toggle("lit", Number(row.dataset.block) === number);
  charts.panels[0].light(number ? [String(number)] : []);
}

document.addEventListener("point", ({ detail: { act, x } }) => light(act === "unhover" ? 0 : Number(x)));
document.getElementById("lines").addEventListener("pointerover", (event) => light(Number(event.target.closest("tr[data-block]")?.dataset.block ?? 0)));
document.getElementById("lines").addEventListener("pointerleave", () => light(0));
