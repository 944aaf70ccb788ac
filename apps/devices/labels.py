"""Labels of a device: short words by which people find, measure and update many boards at once."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST, LONGEST = 20, 40
_WORD = re.compile(r"[\w.:/+-]+")
FORM = f"At most {MOST} labels of at most {LONGEST} letters, digits or .:/+-_ each, with commas or blanks between them."


def words(text: str) -> list[str]:
    """The labels in a text, each once and in the order of the alphabet; ValueError says in a sentence what is none."""
    return checked(re.split(r"[,\s]+", text.strip()) if text.strip() else [])


def checked(given: Iterable[str]) -> list[str]:
    """The same of labels that stand apart already."""
    found = sorted({word.lower() for word in given if word})
    for word in found:
        if not _WORD.fullmatch(word):
            raise ValueError(f"“{word[:LONGEST]}” has characters that a label cannot have. {FORM}")
        if len(word) > LONGEST:
            raise ValueError(f"“{word[:LONGEST]}…” is longer than {LONGEST} characters. {FORM}")
    if len(found) > MOST:
        raise ValueError(f"These are {len(found)} labels. {FORM}")
    return found
