// What a timing is called that was disturbed; worker/wording.py says the same.
export const NOISY = "noisy timing";

// Text of a run on a chart: Plotly reads a little HTML and, with dollars around it, mathematics; neither shall be read.
export function safe(text) {
  return String(text).replaceAll("<", "‹").replaceAll(">", "›").replaceAll("$", "＄");
}

/** As many words a line as there is room for. */
export function inLines(text, room) {
  return text.split(" ").reduce((lines, word) => {
    const last = lines.at(-1);
    return last !== undefined && last.length + 1 + word.length <= room ? [...lines.slice(0, -1), `${last} ${word}`] : [...lines, word];
  }, []).join("<br>");
}
