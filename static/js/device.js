// The page of a device: its own yardstick as a curve.
import { Charts } from "./charts.js";

const place = document.getElementById("charts");
if (place) {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const charts = new Charts(place, read("page-config"));
  charts.append(read("points"));
  charts.nothingMore();
}
