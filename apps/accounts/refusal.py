"""Refused: what a person asked for cannot be done, said field by field."""

from __future__ import annotations


class Refused(Exception):
    """What was asked cannot be done; `errors` says why, field by field ("" stands for the whole)."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {text}" if field else text for field, text in errors.items()))
        self.errors = errors


class Conflict(Refused):
    """What was asked is well said, but things do not stand so: a 409."""
