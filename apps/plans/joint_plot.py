"""A joint answer as the page draws it: every version as a dot, accuracy up and latency to the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10
from typing import NamedTuple

from apps.plans.planner_band import Tick, along, percent, ticks
from worker.planning.joint_answer import JointAnswer, VersionSaid

# Heights in the chart, in px: where the plot begins and ends.
TOP, BOTTOM, HEIGHT = 16, 388, 420
STEPS = (1.0, 2.0, 5.0, 10.0)
MOST_DOTS = 800
LEAST_SPAN = 0.02  # of the axis of accuracies
ENDS = (1.0, 1000.0)  # of the axis of latencies where there is nothing to draw


class Dot(NamedTuple):
    """A version. `x`: in percent of the plot; `y`: px; `low`, `high`: px of its interval's ends."""

    version: VersionSaid
    place: int
    x: str
    y: str
    low: str | None
    high: str | None
    is_shown: bool

    @property
    def words(self) -> str:
        latency = f"{'at least ' if self.version.at_least else ''}{self.version.latency_ms:.3g} ms"
        return f"{self.version.name}: {share(self.version.accuracy)}, {latency}"


class Step(NamedTuple):
    """A straight piece of the line that the front makes."""

    x1: str
    y1: str
    x2: str
    y2: str


class Level(NamedTuple):
    """A mark on the axis of accuracies."""

    y: str
    label: str


@dataclass(frozen=True)
class Plot:
    """`low`, `high`: ends of the axis of latencies in ms; `least`, `most`: of that of accuracies.

    `deadline`, `floor`: where the two lines stand; `out` where they are off the axis or not asked for.
    """

    dots: tuple[Dot, ...]
    steps: tuple[Step, ...]
    ticks: tuple[Tick, ...]
    levels: tuple[Level, ...]
    low: float
    high: float
    least: float
    most: float
    deadline: str
    floor: str
    left_out: int

    @property
    def room(self) -> str:
        """How high the part of the plot is that lies above the floor."""
        return f"{max(float(self.floor) - TOP, 0.0):.1f}"

    @property
    def is_late(self) -> bool:
        """Whether the deadline's words stand left of its line."""
        return float(self.deadline.rstrip("%")) > 92

    @property
    def behind(self) -> list[Dot]:
        return [dot for dot in self.dots if not dot.version.on_front]


def plot(answer: JointAnswer, shown: int | None, deadline_ms: float | None, least: float | None) -> Plot:
    found = [(place, each) for place, each in enumerate(answer.versions) if each.latency_ms is not None]
    kept = sorted(found, key=lambda one: (not one[1].on_front, one[0]))[:MOST_DOTS]
    low, high = _times([each.latency_ms or 0.0 for _, each in kept], deadline_ms)
    bottom, top = _shares([share for _, each in kept for share in _extent(each)], least)
    dots = tuple(_dot(place, each, (low, high, bottom, top), place == shown) for place, each in sorted(kept))
    return Plot(dots, tuple(_steps([dot for at in answer.front for dot in dots if dot.place == at])), ticks(low, high),
                tuple(_levels(bottom, top)), low, high, bottom, top,
                percent(100.0 if deadline_ms is None else min(max(along(deadline_ms, low, high), 0.0), 100.0)),
                _y(bottom if least is None else min(max(least, bottom), top), bottom, top), len(found) - len(kept))


def share(accuracy: float) -> str:
    return f"{100 * accuracy:.2f}".rstrip("0").rstrip(".") + " %"


def _times(values: Sequence[float], deadline_ms: float | None) -> tuple[float, float]:
    """Round numbers around all of them, with room."""
    every = [max(value, 1e-3) for value in (*values, *([deadline_ms] if deadline_ms else []))]
    if not every:
        return ENDS
    return _round(min(every) / 1.15, down=True), _round(max(every) * 1.15, down=False)


def _round(value: float, *, down: bool) -> float:
    decade = 10.0 ** floor(log10(value))
    found = [decade * step for step in STEPS]
    return max(each for each in found if each <= value * 1.000001) if down else min(each for each in found if each >= value)


def _shares(values: Sequence[float], least: float | None) -> tuple[float, float]:
    every = [*values, *([least] if least is not None else [])]
    if not every:
        return 0.0, 1.0
    span = max(max(every) - min(every), LEAST_SPAN)
    step = 0.05 if span > 0.1 else 0.01
    low, high = floor((min(every) - span / 12) / step) * step, ceil((max(every) + span / 12) / step) * step
    return max(0.0, low), min(1.0, high)


def _extent(each: VersionSaid) -> list[float]:
    """What of it is drawn: cut off, a long interval would look as the line of a deadline does."""
    return [each.accuracy, *(end for end in (each.low, each.high) if end is not None and each.on_front)]


def _levels(low: float, high: float) -> Iterator[Level]:
    step = next(each for each in (0.01, 0.02, 0.05, 0.1, 0.25, 0.5) if (high - low) / each <= 8)
    at = ceil(low / step - 1e-9)
    while at * step <= high + 1e-9:
        yield Level(_y(at * step, low, high), f"{100 * at * step:.0f} %")
        at += 1


def _dot(place: int, each: VersionSaid, ends: tuple[float, float, float, float], is_shown: bool) -> Dot:
    low, high, bottom, top = ends
    bounds = [_y(min(max(end, bottom), top), bottom, top) if end is not None and each.on_front else None
              for end in (each.low, each.high)]
    return Dot(each, place, percent(along(max(each.latency_ms or 0.0, low), low, high)), _y(each.accuracy, bottom, top),
               bounds[0], bounds[1], is_shown)


def _y(value: float, low: float, high: float) -> str:
    return f"{BOTTOM - (BOTTOM - TOP) * (value - low) / max(high - low, 1e-9):.1f}"


def _steps(front: Sequence[Dot]) -> Iterator[Step]:
    """As accurate as the one before until the next one's time has come."""
    for one, other in pairwise(front):
        yield Step(one.x, one.y, other.x, one.y)
        yield Step(other.x, one.y, other.x, other.y)
    if front:
        yield Step(front[-1].x, front[-1].y, "100%", front[-1].y)
