// The page of an experiment: while runs go on it asks for its parts every few seconds, one request whatever number of runs.
import { Charts } from "./charts.js";

const EVERY_MS = 2500;
const points = () => document.getElementById("points");

function start() {
  const page = JSON.parse(document.getElementById("page-config").textContent);
  const charts = new Charts(document.getElementById("charts"), page);
  const draw = () => {
    charts.append(["points", "paired"].map((type) => ({ type, body: JSON.parse(points().dataset[type]) })));
    charts.nothingMore(points().dataset.nothing);
  };
  draw();
  let asking = false;

  const busy = () => document.querySelector("#head details[open], #combinations details[open], #versus details[open]")
    ?? document.activeElement?.closest("#versus form");
  // Somebody may have begun to type while the answer was on its way.
  document.getElementById("head").parentElement.addEventListener("htmx:beforeSwap", (event) => {
    if (asking && busy()) event.detail.shouldSwap = false;
  });

  async function again() {
    if (asking || busy() || document.visibilityState === "hidden") return;
    asking = true;
    const query = document.getElementById("combinations").dataset.query;
    await htmx.ajax("GET", page.live + (query ? `?${query}` : ""), { source: "#head", target: "#head", swap: "outerHTML" }).catch(() => {});
    asking = false;
    draw();
    if (points().dataset.live === "1") return;
    clearInterval(timer);
    document.getElementById("announce").textContent = "All runs have ended.";
  }

  const timer = points().dataset.live === "1" ? setInterval(again, EVERY_MS) : 0;
}

start();
