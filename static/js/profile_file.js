// A fault in a file leads to its place in the text; a chosen file gives its name to the form.
const text = document.getElementById("id_text");

/** Select the line in the text, from the column on, and bring it into view. */
function go(line, column) {
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const end = start + (lines[line - 1] ?? "").length;
  text.focus();
  text.setSelectionRange(Math.min(start + column - 1, end), end);
  const high = parseFloat(getComputedStyle(text).lineHeight) || 20;
  text.scrollTop = Math.max(0, (line - 4) * high);
}

document.addEventListener("click", (event) => {
  const fault = event.target.closest("button[data-line]");
  if (fault && text) go(Number(fault.dataset.line), Number(fault.dataset.column));
});

document.getElementById("id_file")?.addEventListener("change", (event) => {
  const name = document.getElementById("id_file_name");
  if (name && event.target.files[0]) name.value = event.target.files[0].name.slice(-200);
});
