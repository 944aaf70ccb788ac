// Pages about devices: what the team's stream says of one is looked up at once. Silence, which nobody says, shows by and by.
import { Stream } from "./stream.js";

const SOON_MS = 150;
const config = JSON.parse(document.getElementById("devices-live").textContent);
let timer = 0;

function hear(rows) {
  const said = rows.filter(({ seq, type, body }) => seq > config.after && type === "device" && (!config.device || body.device === config.device));
  if (!said.length) return;
  const { name, state } = said.at(-1).body;
  document.getElementById("devices-said").textContent = `${name}: ${state}.`;
  clearTimeout(timer);
  timer = setTimeout(() => document.body.dispatchEvent(new Event("device-said")), SOON_MS);
}

new Stream(config.stream, { after: config.after, onEvents: hear });
