// Compare: the streams of all runs feed the same charts; each row is marked with its run, which keeps its colour.
import { Charts } from "./charts.js";
import { Stream } from "./stream.js";

function start() {
  const page = JSON.parse(document.getElementById("page-config").textContent);
  const charts = new Charts(document.getElementById("charts"), page);
  let waiting = page.runs.length;
  for (const run of page.runs) {
    const stream = new Stream(run.stream, {
      onEvents: (rows) => charts.append(rows.map((row) => marked(row, run.name))),
      onState: (state) => {
        if (run.here || (state !== "live" && state !== "polling")) return;
        run.here = true;
        // What has ended says nothing more: its socket is given back.
        if (!run.live) setTimeout(() => stream.close(), 0);
        if ((waiting -= 1) === 0) settle();
      },
    });
  }

  /** All is here that was said so far: only where a run goes on may something come that is not drawn yet. */
  function settle() {
    if (page.runs.some((run) => run.live)) charts.nothingMore("Nothing to draw yet.");
    else charts.hideEmpty();
  }
}

function marked(row, run) {
  const { body } = row;
  if (row.type === "metric") return { ...row, body: { ...body, labels: { ...body.labels, run } } };
  return { ...row, body: { ...body, run } };
}

if (document.getElementById("charts")) start();
