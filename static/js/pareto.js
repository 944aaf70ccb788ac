// Latency against accuracy or size, a Pareto line for each device: a fragment that comes after the page.
import { Charts } from "./charts.js";

function start() {
  const root = document.querySelector("#pareto:not([data-live])");
  if (!root) return;
  root.dataset.live = "yes";
  const config = JSON.parse(document.getElementById("pareto-config").textContent);
  new Charts(root.querySelector("[data-plotly]"), config).append(config.rows);
  // Whoever came for it by the address is led back to it: it was not there when the page had been read.
  if (location.hash === "#pareto") root.scrollIntoView();
}

document.addEventListener("htmx:afterSettle", start);
start();
