// The page of an experiment: while runs go on it asks for its parts every few seconds, one request whatever number of runs.
import { Charts } from "./charts.js";

const EVERY_MS = 2500;
const points = () => document.getElementById("points");

function start() {
  const page = JSON.parse(document.getElementById("page-config").textContent);
  const charts = new Charts(document.getElementById("charts"), page);
  const draw = () => {
    charts.append([{ type: "points", body: JSON.parse(points().dataset.points) }]);
    charts.nothingMore(points().dataset.nothing);
  };
  draw();
  let asking = false;

  async function again() {
    const busy = document.querySelector("#head details[open], #combinations details[open]");
    if (asking || busy || document.visibilityState === "hidden") return;
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
