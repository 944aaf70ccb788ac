"""Warm-up until steady: inferences that do not count, until the time of one no longer falls or rises."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from statistics import median
from typing import Any

from worker.profiling.instruments import Instruments
from worker.profiling.stopwatch import Call

WINDOW = 5
WINDOW_NS = 10_000_000
SAME = 0.03
PULSE_NS = 300_000_000


@dataclass(frozen=True)
class Warm:
    """How many inferences it took, the time of one at the end, and whether that had come to rest."""

    laps: int
    lap_ns: float
    steady: bool

    def as_facts(self) -> dict[str, Any]:
        return {"laps": self.laps, "lap_ns": self.lap_ns, "steady": self.steady}


def warmed(call: Call, *, least: int, limit_s: float, instruments: Instruments) -> Generator[None, None, Warm]:
    """At least `least` inferences, then on until two windows running have the same median as the one before, or the limit.

    Yields now and then. A window is 5 inferences or 10 ms, whichever is longer.
    """
    begun = told = instruments.wall_ns()
    laps, medians, window, spent = 0, list[float](), list[int](), 0
    while True:
        lap = _lap(call, instruments)
        laps, spent = laps + 1, spent + lap
        window.append(lap)
        if len(window) >= WINDOW and spent >= WINDOW_NS:
            medians.append(median(window))
            window, spent = [], 0
        now = instruments.wall_ns()
        if laps >= least and _is_steady(medians):
            return Warm(laps, medians[-1], True)
        if laps >= max(least, WINDOW) and now - begun >= limit_s * 1e9:
            return Warm(laps, median(window or medians[-1:]), False)
        if now - told >= PULSE_NS:
            told = now
            yield


def _lap(call: Call, instruments: Instruments) -> int:
    begun = instruments.wall_ns()
    call()
    return instruments.wall_ns() - begun


def _is_steady(medians: list[float]) -> bool:
    if len(medians) < 3:
        return False
    before, *after = medians[-3:]
    return all(abs(each - before) <= SAME * before for each in after)
