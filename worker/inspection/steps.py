"""How an inspection says what it does now."""

from __future__ import annotations

from typing import Protocol


class Step(Protocol):
    """Called once at the begin of each step."""

    def __call__(self, name: str, detail: str = "") -> None: ...
