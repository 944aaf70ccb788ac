"""The form that brings a profile: a file or its text, and the device it is of."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.models import Team, User
from apps.devices.models import Device
from worker.profile.text import MARK, MOST_FILE_BYTES

AS_IT_SAYS = "the one that the file names"
MOST_OFFERED = 500
CRLF, LF = "crlf", "lf"
TOO_LARGE = "The file has {got:,} bytes; at most {most:,} (1 MB) are read."


class BringForm(forms.Form):
    """What was typed or chosen. A chosen file goes before the text; to be mended, its text stands in the form."""

    device = forms.ChoiceField(required=False, help_text="A name in the file, or a file called as Scission's are, tier-name.csv, "
                                                         "says it too; what is not there yet an administrator makes so.")
    file = forms.FileField(required=False, label="File", help_text="JSON, YAML or CSV, at most 1 MB.", allow_empty_file=True,
                           widget=forms.FileInput(attrs={"accept": ".json,.yaml,.yml,.csv"}))
    text = forms.CharField(required=False, strip=False, label="or the file's text", widget=forms.Textarea(attrs={
        "rows": 14, "spellcheck": "false", "class": "mono", "wrap": "off"}))
    file_name = forms.CharField(required=False, max_length=200, label="Name of the file", help_text="For pasted text; "
                                "device-raspi4.csv names the device raspi4, which stands at the sensor.")
    ends = forms.CharField(required=False, widget=forms.HiddenInput)
    mark = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, user: User, team: Team | None, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        mine = Device.objects.visible_to(user).filter(retired=False) & Device.objects.usable_by(team)
        self.devices = {str(device.pk): device for device in mine.order_by("name", "pk")[:MOST_OFFERED]}
        self.fields["device"].choices = [  # type: ignore[attr-defined]
            ("", AS_IT_SAYS), *((pk, device.name) for pk, device in self.devices.items())]
        # The reader says where a character stands that is no text.
        self.fields["text"].validators = []

    @property
    def chosen(self) -> Device | None:
        return self.devices.get(self.cleaned_data.get("device", ""))

    @property
    def name(self) -> str:
        sent = self.cleaned_data.get("file")
        return str(sent.name if sent else self.cleaned_data.get("file_name", ""))[-200:]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        sent: Any = cleaned.get("file")
        if sent is not None and (sent.size or 0) > MOST_FILE_BYTES:
            self.add_error("file", TOO_LARGE.format(got=sent.size, most=MOST_FILE_BYTES))
        elif sent is None and not cleaned.get("text", "").strip():
            self.add_error("file", "Choose a file, or paste its text.")
        else:
            self.bytes = sent.read() if sent is not None else self._pasted(cleaned["text"])
        return cleaned

    def _pasted(self, text: str) -> bytes:
        """The text as the file had it: a browser sends every line end as two characters."""
        text = text.replace("\r\n", "\n")
        text = text.replace("\n", "\r\n") if self.cleaned_data.get("ends") == CRLF else text
        return ((MARK if self.cleaned_data.get("mark") else "") + text).encode("utf-8", "replace")


def in_the_form(data: bytes, name: str) -> dict[str, str]:
    """A file as the form keeps it, to be mended there; nothing of one that is no text."""
    text = _text(data)
    if text is None:
        return {"file_name": name}
    ends = CRLF if "\r\n" in text else LF
    return {"file_name": name, "ends": ends, "mark": "1" if text.startswith(MARK) else "", "text": text.removeprefix(MARK)}


def _text(data: bytes) -> str | None:
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if encoding != "utf-16" and sum(map(text.count, "\x00\x01\x02\x03")) > 3 else text.replace("\x00", "\ufffd")
    return None
