// Saved plans: what becomes of them elsewhere appears here by itself, without a reload.
import { bring } from "./held.js";
import { Stream } from "./stream.js";

const live = document.getElementById("saved-live");
const said = document.getElementById("saved-said");
const WORDS = { stale: "is stale", fresh: "is up to date" };

const isMine = (row) => row.type === "plan" && (!live.dataset.plan || row.body.plan === live.dataset.plan);

function hear(rows) {
  const mine = rows.filter(isMine);
  if (!mine.length) return;
  const last = mine.at(-1).body;
  if (last.what === "looked") said.textContent = `The plan ${last.name} ${WORDS[last.state] ?? last.state}. ${last.text}`;
  // A plan that is gone has nothing to show any more: its page stays as it was.
  if (!(live.dataset.plan && last.what === "deleted")) bring("saved", location.pathname + location.search);
}

if (live) new Stream(live.dataset.stream, { after: Number(live.dataset.after), onEvents: hear });
