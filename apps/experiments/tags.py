"""Tags: free words on an experiment, cleaned of what cannot be seen, at most ten of at most 40 characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from apps.accounts.refusal import Refused

MOST, LONGEST = 10, 40
# Control characters, invisible ones (zero-width, direction marks), lone surrogates, and code points without a character.
UNSEEN = ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")


def words_of(typed: Iterable[object]) -> list[str]:
    """The tags in what was typed, parted by commas, each once whatever its case; Refused says what is too long or too much."""
    found: dict[str, str] = {}
    for text in typed:
        for word in str(text).split(","):
            cleaned = clean(word)
            if cleaned:
                found.setdefault(cleaned.casefold(), cleaned)
    longest = max(found.values(), key=len, default="")
    if len(longest) > LONGEST:
        raise Refused({"tags": f"a tag has at most {LONGEST} characters; {longest[:LONGEST]}… has {len(longest):,}"})
    if len(found) > MOST:
        raise Refused({"tags": f"at most {MOST} tags; these are {len(found):,}"})
    return list(found.values())


def clean(word: str) -> str:
    """The word without what cannot be seen, with single blanks."""
    seen = (letter for letter in word if unicodedata.category(letter) not in UNSEEN or letter in "\t\n")
    return " ".join(unicodedata.normalize("NFC", "".join(seen)).split())
