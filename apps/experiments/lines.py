"""Text of several lines in a form: typed, pasted, or read from a file by the page itself, so that only lines are ever sent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

LONGEST_NAME = 200
# What is no text is refused by what is in it, not by its name.
OFFERED = ".csv,.txt,text/csv,text/plain"


def from_file(name: str) -> str:
    """Where a form says of what file the lines of a field are."""
    return f"{name}-file"


class Lines(forms.Textarea):
    """With a button that reads a file, on a page with scripts; without them lines are pasted. `words`: what the field is called.
    `read_from`: of what file the page read what was sent, where nobody changed it since."""

    words = read_from = ""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        self.read_from = " ".join(str(data.get(from_file(name)) or "").replace("\x00", "").split())[:LONGEST_NAME]
        return super().value_from_datadict(data, files, name)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        said = f"as read from {self.read_from}" if self.read_from else ""
        return format_html(
            '<div class="lines">{}<p class="from-file" hidden><button class="button small" type="button" data-read-file '
            'aria-label="Read a file into {}">Read a file</button><input type="file" accept="{}" hidden><small role="status">{}'
            '</small><input type="hidden" name="{}" value="{}"></p></div>', super().render(name, value, attrs, renderer),
            self.words or name.replace("_", " "), OFFERED, said, from_file(name), self.read_from)


class LinesField(forms.CharField):
    """Text of several lines, each with the number that an editor gives it. An end of a line counts as two characters, as browsers
    send it: a recipe that keeps `; ` in its place can read again what it kept."""

    widget: Any = Lines

    def __init__(self, **given: Any) -> None:
        super().__init__(strip=False, **given)
        self.widget.words = given.get("label") or ""

    def to_python(self, value: Any) -> str:
        """Empty lines in front are kept: those behind them are counted with them."""
        return str(super().to_python(value) or "").rstrip()

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Judged here, not cut by the browser: what was pasted stays."""
        return {"data-longest": str(self.max_length)}
