// Words in bars are shown where they fit: the whole of them, else fewer, else none; their title says them always.
const ROOM = 8;

export function fitLabels(root) {
  for (const text of root.querySelectorAll(".piece > text")) {
    text.dataset.whole ??= text.textContent;
    const room = text.parentElement.firstElementChild.nextElementSibling.getBoundingClientRect().width - ROOM;
    fits(text, text.dataset.whole, room) || fits(text, text.dataset.middle, room) || fits(text, text.dataset.short, room) || text.setAttribute("visibility", "hidden");
  }
}

function fits(text, words, room) {
  if (!words) return false;
  if (text.textContent !== words) text.textContent = words;
  if (text.getComputedTextLength() > room) return false;
  text.removeAttribute("visibility");
  return true;
}
