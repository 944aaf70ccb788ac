"""The bytes of a file as text: UTF-8 and nothing else, and a word for what it is instead."""

from __future__ import annotations

import re
import unicodedata

from worker.profile.faults import Fault, Faults, Unfit, quoted
from worker.profile.tree import Lines

MOST_FILE_BYTES = 10**6
MARK = "\ufeff"
UNKEPT = re.compile(r"[^\S\n\r\t ]|[\x00-\x08\x0e-\x1f\x7f-\x9f]")
# How files begin that are no text, or no text of ours.
STRANGE = (
    (b"\x80\x02", "a Python pickle"), (b"\x80\x03", "a Python pickle"), (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"), (b"PK\x03\x04", "a zip archive or a spreadsheet"), (b"\x1f\x8b", "a gzip archive"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet"), (b"%PDF", "a PDF"), (b"version https://git-lfs", "a pointer of git-lfs"),
    (b"<", "a web page or XML"),
)
ALLOWED = "JSON, YAML or CSV as text"
PICKLE = "JSON, YAML or CSV: a pickle is a program and is not read; write Scission's .dat as a table first"
WORDS_OF_PICKLES = "a Python pickle"


def text_of(data: bytes) -> tuple[str, bool]:
    """The text, and whether a byte order mark stood before it."""
    if len(data) > MOST_FILE_BYTES:
        raise Unfit(Fault("", f"{len(data):,} bytes", f"at most {MOST_FILE_BYTES:,} (1 MB)"))
    if not data.strip():
        raise Unfit(Fault("", "an empty file" if not data else "only blanks", ALLOWED))
    _check_beginning(data)
    text = _decoded(data)
    has_mark = text.startswith(MARK)
    text = text.removeprefix(MARK)
    _check_signs(text)
    return text, has_mark


def _check_beginning(data: bytes) -> None:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(data) > 3 and data[1:4:2] == b"\x00\x00"):
        raise Unfit(Fault("", "UTF-16", "UTF-8; in a spreadsheet: save as CSV UTF-8"))
    found = next((words for head, words in STRANGE if data.lstrip().startswith(head)), "")
    if found:
        raise Unfit(Fault("", found, PICKLE if found == WORDS_OF_PICKLES else ALLOWED))


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[:error.start].decode()
        at = Lines(before).spot(len(before))
        sign = data[error.start:error.start + 1].decode("cp1252", "replace")
        raise Unfit(Fault("", f"the byte {data[error.start]:#04x} ({quoted(sign)} in Windows-1252)", "UTF-8; in a spreadsheet: "
                          "save as CSV UTF-8", *at)) from None


def _check_signs(text: str) -> None:
    """No control characters but tabs and line ends."""
    faults, lines = Faults(), None
    for found in UNKEPT.finditer(text):
        letter = found[0]
        if unicodedata.category(letter) not in ("Cc", "Zl", "Zp"):
            continue
        lines = lines or Lines(text)
        faults.add(Fault("", f"the control character \\u{ord(letter):04x}", "text", *lines.spot(found.start())))
    faults.check()
