"""Short texts that people type: cleaned the way Django's own form fields are, refused in a sentence."""

from __future__ import annotations

import unicodedata

# Marks that no eye sees: of no width, or turning the writing direction of what stands behind them.
UNSEEN, JOINERS = "Cf", "\u200c\u200d"
UNKEPT = ("Cc", "Cs")


def seen(text: str) -> str:
    """The text without marks that nobody sees, and without blanks around it; what joins two signs into one stays between them."""
    kept = "".join(letter for letter in text if unicodedata.category(letter) != UNSEEN or letter in JOINERS)
    return kept.strip().strip(JOINERS).strip()


def is_kept(text: str, among: str = "") -> bool:
    """Whether it is text that can be kept and shown: no control characters but these, no lone surrogates."""
    return not any(unicodedata.category(letter) in UNKEPT and letter not in among for letter in text)


def plain(field: str, text: object, longest: int, errors: dict[str, str], needed: bool = True) -> str:
    """The text as it is seen; what is wrong with it goes to `errors`. No control characters, no lone surrogates."""
    words = seen(text) if isinstance(text, str) else ""
    if not isinstance(text, str):
        errors[field] = "This must be text."
    elif not words and needed:
        errors[field] = "Fill this in."
    elif len(words) > longest:
        errors[field] = f"At most {longest} characters; this has {len(words)}."
    elif not is_kept(words):
        errors[field] = "This has characters that cannot be shown."
    return words
