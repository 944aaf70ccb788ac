// What a timing is called that was disturbed; worker/wording.py says the same.
export const NOISY = "noisy timing";

// Text of a run on a chart: Plotly reads a little HTML and, with dollars around it, mathematics; neither shall be read.
export function safe(text) {
  return String(text).replaceAll("<", "‹").replaceAll(">", "›").replaceAll("$", "＄");
}
