"""What a person had before the eyes: a mark of it goes with the form, so that nobody overwrites what they never saw."""

from __future__ import annotations

import hashlib
import json

KEPT = "What you typed is kept; save again to have it so."


def mark(*shown: str) -> str:
    """A short word for these values, another one as soon as one of them is another."""
    said = json.dumps([" ".join(value.split()) for value in shown])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def is_overtaken(seen: str | None, *now: str) -> bool:
    """Whether somebody has changed it since; who does not say what they saw, as a program, is not asked."""
    return bool(seen) and seen != mark(*now)
