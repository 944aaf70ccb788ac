"""Short texts that people type: cleaned the way Django's own form fields are, refused in a sentence."""

from __future__ import annotations

import unicodedata


def plain(field: str, text: object, longest: int, errors: dict[str, str], needed: bool = True) -> str:
    """The text without blanks around it; what is wrong with it goes to `errors`. No control characters, no lone surrogates."""
    words = text.strip() if isinstance(text, str) else ""
    if not isinstance(text, str):
        errors[field] = "This must be text."
    elif not words and needed:
        errors[field] = "Fill this in."
    elif len(words) > longest:
        errors[field] = f"At most {longest} characters; this has {len(words)}."
    elif any(unicodedata.category(letter) in ("Cc", "Cs") for letter in words):
        errors[field] = "This has characters that cannot be shown."
    return words
