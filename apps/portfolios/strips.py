"""Who wins from where to where, as a strip that needs no script: its parts in percent of a logarithmic axis, and in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from worker.wording import figures

# Written under an axis beside its ends: now, and half and double of it.
TICKS = (0.5, 1.0, 2.0)
MOST_BANDS, NEAR = 40, 4.0
# Times what is now: less, or more than one of it, is no band of ours.
LEAST = 1e-9
# Grey: who is not in the portfolio, or beyond the colours; the number on the strip tells.
OTHERS = 7


@dataclass(frozen=True)
class Band:
    """From `low` to `high` times what is so now `name` is who wins."""

    low: float
    high: float
    name: str


@dataclass(frozen=True)
class Part:
    """One band: where it stands, its number on the strip, and its words. `at`, `width`, `middle`: percent, as SVG takes them."""

    number: int
    name: str
    colour: int
    at: str
    width: str
    middle: str
    words: str


@dataclass(frozen=True)
class Tick:
    at: str
    anchor: str
    label: str


@dataclass(frozen=True)
class Strip:
    """`now`: where what is so now stands; nothing where that is beyond the ends."""

    title: str
    axis: str
    parts: tuple[Part, ...]
    ticks: tuple[Tick, ...]
    now: str

    @property
    def spoken(self) -> str:
        """The strip for who does not see it."""
        return f"{self.title}: {'; '.join(f'{part.name} {part.words}' for part in self.parts)}"


def bands_of(told: Any, who: str) -> list[Band]:
    """`told`: as a run's summary keeps them, each with `low`, `high` (times what is now) and a name under `who`. None of them
    where they stand over each other."""
    rows = [each for each in told if _is_band(each, who)][:MOST_BANDS] if isinstance(told, list) else []
    found = [Band(float(row["low"]), float(row["high"]), str(row[who])) for row in rows]
    return [] if any(after.low < before.high for before, after in pairwise(found)) else found


def strip(title: str, axis: str, bands: Sequence[Band], colours: Mapping[str, int],
          said: Callable[[float], str] = figures, unit: str = "times") -> Strip:
    """`bands`: at least one. `said`: of a multiple of what is so now, the number that people read, in `unit`."""
    low, high = bands[0].low, bands[-1].high

    def place(times: float) -> float:
        return 100 * math.log(times / low) / math.log(high / low)

    now = place(1.0) if low < 1 < high else None
    parts = tuple(_part(number, band, colours, place, now, f"{said(band.low)} to {said(band.high)} {unit}")
                  for number, band in enumerate(bands, 1))
    ticks = tuple(Tick(_percent(place(each)), "start" if each == low else "end" if each == high else "middle", said(each))
                  for each in (low, *(times for times in TICKS if low < times < high), high))
    return Strip(title, axis, parts, ticks, "" if now is None else _percent(now))


def _part(number: int, band: Band, colours: Mapping[str, int], place: Callable[[float], float], now: float | None,
          words: str) -> Part:
    left, right = place(band.low), place(band.high)
    return Part(number, band.name, min(colours.get(band.name, OTHERS), OTHERS), _percent(left), _percent(right - left),
                _percent(_beside(left, right, now)), words)


def _beside(left: float, right: float, now: float | None) -> float:
    """The middle of a band; not on the dashed line, where there is room beside it."""
    middle = (left + right) / 2
    if now is None or abs(middle - now) >= NEAR:
        return middle
    return (left + now) / 2 if now - left >= right - now else (now + right) / 2


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _is_band(row: Any, who: str) -> bool:
    """What a run said is read as carefully as anything from outside: a board may have said it."""
    if not isinstance(row, dict) or not row.get(who):
        return False
    low, high = row.get("low"), row.get("high")
    return isinstance(low, int | float) and isinstance(high, int | float) and LEAST <= low < high <= 1 / LEAST
