// Pages about devices: what the team's stream says of one is looked up at once. Silence, which nobody says, shows by and by.
import { Stream } from "./stream.js";

const SOON_MS = 150;
const config = JSON.parse(document.getElementById("devices-live").textContent);
const told = document.getElementById("devices-said");
let timer = 0, shown = word();

function hear(rows) {
  const said = rows.filter(({ seq, type, body }) => seq > config.after && type === "device" && (!config.device || body.device === config.device));
  if (!said.length) return;
  say(said.at(-1).body);
  clearTimeout(timer);
  timer = setTimeout(() => document.body.dispatchEvent(new Event("device-said")), SOON_MS);
}

function say({ name, state }) {
  const sentence = `${name}: ${state}.`;
  if (told.textContent !== sentence) told.textContent = sentence;
}

// Of the device whose page this is.
function word() {
  return document.querySelector("#device-state .state")?.lastChild.textContent.trim();
}

document.body.addEventListener("htmx:afterSettle", () => {
  if (!config.device || word() === shown) return;
  shown = word();
  say({ name: document.querySelector("h1").textContent, state: shown });
});

new Stream(config.stream, { after: config.after, onEvents: hear });
