// The panel of a code turns into the board as it joins: the team's stream says when. Minutes go by without a word.
import { bring, spare } from "./held.js";
import { Stream } from "./stream.js";

const live = document.getElementById("board-live");
const said = document.getElementById("board-said");
const EVERY_MS = 15_000, AGAIN_MS = 2000;
let shown = new Set();
let timer = 0;

const boards = () => [...document.querySelectorAll("[data-board]")].map((card) => card.dataset.board);

const isHeld = (panel) => Boolean(panel?.querySelector(".sure[open]"));

/** Not while somebody is asked once more. */
function refresh() {
  clearTimeout(timer);
  const isAsked = isHeld(document.getElementById("board-panel"));
  timer = setTimeout(refresh, isAsked ? AGAIN_MS : EVERY_MS);
  if (!isAsked) bring("board-panel", live.dataset.panel);
}

function hear(rows) {
  if (rows.some((row) => row.type === "device")) refresh();
}

/** What came new is told to those who hear the page. */
function tell() {
  const fresh = boards().filter((board) => !shown.has(board));
  if (fresh.length) said.textContent = fresh.length === 1 ? "The board has joined." : `${fresh.length} boards have joined.`;
  shown = new Set(boards());
}

shown = new Set(boards());
timer = setTimeout(refresh, EVERY_MS);
document.addEventListener("htmx:afterSettle", tell);
spare("board-panel", isHeld, () => { clearTimeout(timer); timer = setTimeout(refresh, AGAIN_MS); });
new Stream(live.dataset.stream, { after: Number(live.dataset.after), onEvents: hear });
