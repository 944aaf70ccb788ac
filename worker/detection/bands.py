"""Which detector alone is best while the machine gets slower or faster: from load to load the one that is ahead.

What runs on a video depends on how many frames a detection takes, so a load of two is also a camera twice as fast that films the
same frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import sqrt

from worker.detection.asked import Stage
from worker.detection.newest import Rule
from worker.detection.policies.fixed import Fixed
from worker.detection.rehearsal import rehearse
from worker.detection.study import Labelled, judged

# From a quarter of what detections take to four times of it; as they are is one of them.
STEP, NOW = 2 ** 0.25, 1.0
LOADS = tuple(2 ** (place / 4) for place in range(-8, 9))


@dataclass(frozen=True)
class Band:
    """From load `low` to `high`; between two that were rehearsed the middle. `now`: its accuracy at load 1."""

    detector: str
    low: float
    high: float
    now: float


def rehearsed(stage: Stage, rule: Rule) -> Iterator[list[float]]:
    """The accuracies of the detectors alone, load after load; nothing without a truth. A load takes the place of drift."""
    if stage.truth is not None:
        there = Labelled(stage.study.footage, stage.truth)
        yield from (accuracies(stage, there, load, rule) for load in LOADS)


def accuracies(stage: Stage, there: Labelled, load: float, rule: Rule) -> list[float]:
    """Of each detector alone over the whole video, everything so many times as slow."""
    slowed = replace(stage.study.machine, drift=(), nominal_ms=tuple(load * each for each in stage.study.machine.nominal_ms))
    alone = (rehearse(Fixed(place), there.footage, slowed) for place in range(len(stage.study.names)))
    return [judged(steps, there, rule).whole or 0.0 for steps in alone]


def bands(names: Sequence[str], found: Sequence[Sequence[float]]) -> Iterator[Band]:
    """Who is ahead from load to load; nothing where nothing was rehearsed."""
    for winner, part in groupby(zip(LOADS, found, strict=False), key=lambda row: row[1].index(max(row[1]))):
        loads = [load for load, _ in part]
        low = loads[0] if loads[0] == LOADS[0] else loads[0] / sqrt(STEP)
        high = loads[-1] if loads[-1] == LOADS[-1] else loads[-1] * sqrt(STEP)
        yield Band(names[winner], round(low, 4), round(high, 4), found[LOADS.index(NOW)][winner])
