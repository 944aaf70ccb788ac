"""The two numbers of one direction, read strictly: digits as everybody writes them, within what a link can be."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Range:
    """What may be typed, and why no more."""

    low: float
    high: float
    words: str


LATENCY_MS = Range(0, 60_000, "a number from 0 to 60000 ms: a round trip of more than a minute is taken for a lost one")
BANDWIDTH_MBPS = Range(0.001, 1_000_000, "a number from 0.001 to 1000000 Mbit/s: with none at all there is no link")


def read(text: str, within: Range) -> float | None:
    """The number, or None when it is none or out of range."""
    found = float(text) if _NUMBER.fullmatch(text.strip()) else math.nan
    return found if within.low <= found <= within.high else None


def written(value: float) -> str:
    """The shortest text that reads as this number again."""
    return str(int(value)) if value == int(value) and value < 1e15 else repr(value)
