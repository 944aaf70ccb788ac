"""The band of the planner: which plan is the best one over the numbers of a link, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10
from typing import NamedTuple

from apps.plans.planner_form import UNITS, VARYING, Sheet, number
from worker.planning import Answer
from worker.planning.answer import BandSaid, PlanSaid

DECADES = (1, 2, 5)
LETTER = 0.9  # percent of a bar's width on a desk screen; the page measures again


class Part(NamedTuple):
    """A plan's stretch of the band; `pieces` of the axis in percent."""

    x: str
    width: str
    place: int
    words: str
    low: float
    high: float
    plan: PlanSaid
    is_now: bool
    fits: bool

    @property
    def brief(self) -> str:
        """Where it is cut, for where there is little room."""
        cuts = [str(stage.last) for stage in self.plan.stages[:-1]]
        return f"cut at {' and '.join(cuts)}" if cuts else self.plan.stages[0].device


class Tick(NamedTuple):
    x: str
    label: str
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class Band:
    """Who wins where. `now`: where the present stands, in percent; None where it is off the axis."""

    of: str
    unit: str
    parts: tuple[Part, ...]
    ticks: tuple[Tick, ...]
    now: str | None
    value: float | None
    stays: tuple[float, float] | None
    is_open: tuple[bool, bool]


def band(answer: Answer, sheet: Sheet, places: Mapping[str, int]) -> Band | None:
    if not answer.bands:
        return None
    kind, low, high = sheet.query.get("varying", "bandwidth"), answer.bands[0].low, answer.bands[-1].high
    value = present(sheet)
    place = None if value is None or not low <= value <= high else percent(along(value, low, high))
    parts = tuple(_part(each, low, high, places, value) for each in answer.bands)
    stays = (answer.stays.low, answer.stays.high) if answer.stays else None
    is_open = (bool(stays and stays[0] <= low * 1.0001), bool(stays and stays[1] >= high * 0.9999))
    unit = UNITS.get(kind, "") if sheet.query.get("from") else "times what it is now"
    return Band(_of(sheet, kind), unit, parts, ticks(low, high), place, value, stays, is_open)


def present(sheet: Sheet) -> float | None:
    """What the link of the band is now; all links together are once what they are."""
    source, target = sheet.query.get("from", ""), sheet.query.get("to", "")
    if not source:
        return 1.0
    way = next((each for each in sheet.ways if each.key == f"{source}.{target}"), None)
    is_bandwidth = sheet.query.get("varying", "bandwidth") == "bandwidth"
    return number(way.bandwidth_mbps if is_bandwidth else way.latency_ms) if way else None


def _of(sheet: Sheet, kind: str) -> str:
    way = next((each for each in sheet.ways if each.key == f"{sheet.query.get('from', '')}.{sheet.query.get('to', '')}"), None)
    word = VARYING.get(kind, kind)
    return f"{word}, {way.source.name} to {way.target.name}" if way else f"{word} of all links"


def along(value: float, low: float, high: float) -> float:
    """Where a value stands on a logarithmic axis, in percent."""
    return 100 * (log10(value) - log10(low)) / max(log10(high) - log10(low), 1e-9)


def _part(each: BandSaid, low: float, high: float, places: Mapping[str, int], value: float | None) -> Part:
    x, end = along(each.low, low, high), along(each.high, low, high)
    # Where most of the time is spent is whose colour it has.
    longest = max(each.plan.stages, key=lambda stage: stage.ms)
    words = short(each.plan)
    is_now = value is not None and each.low <= value <= each.high
    return Part(percent(x), percent(end - x), places.get(longest.device, 7), words, each.low, each.high, each.plan, is_now,
                len(words) * LETTER < end - x)


def ticks(low: float, high: float) -> tuple[Tick, ...]:
    """Round numbers: each decade, with its 2 and 5 where there are few."""
    decades = log10(high / low)
    steps = DECADES if decades <= 2.2 else (1,)
    lowest, highest = int(log10(low)) - 2, int(log10(high)) + 2
    values = [step * 10.0 ** power for power in range(lowest, highest) for step in steps
              if low * 0.999 <= step * 10.0 ** power <= high * 1.001]
    last = len(values) - 1
    return tuple(Tick(percent(along(value, low, high)), f"{value:g}", at == 0, at == last) for at, value in enumerate(values))


def span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def percent(value: float) -> str:
    return f"{value:.3f}%"


def short(plan: PlanSaid) -> str:
    """A plan in a few words: who runs what."""
    if len(plan.stages) == 1:
        return f"{plan.stages[0].device} alone"
    return ", ".join(f"{stage.device} {span(stage.first, stage.last)}" for stage in plan.stages)
