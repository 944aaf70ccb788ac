"""An answer of the planner as the page draws it: bars of plans, natives that lost, the band of who wins where, the frontier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from apps.accounts.models import Team
from apps.plans.planner_band import LETTER, Band, band, percent, short, span
from apps.plans.planner_form import Sheet
from apps.plans.running import lanes_shown, of_plans
from worker.planning import Answer
from worker.planning.answer import HopSaid, PlanSaid, StageSaid

# What is drawn is so many times as long as the longest plan; a device alone that takes longer is drawn cut off.
LONGEST = 1.5
PLOT_WIDTH, PLOT_HEIGHT, EDGE = 560, 240, 44


class Piece(NamedTuple):
    """A part of a bar. `x`, `width`: in percent of what is drawn; `place`: the colour of its device, of a hop none."""

    x: str
    width: str
    place: int | None
    kind: str
    label: str
    stage: StageSaid | None
    hop: HopSaid | None
    fits: bool

    @property
    def span(self) -> str:
        return span(self.stage.first, self.stage.last) if self.stage else ""


@dataclass(frozen=True)
class Bar:
    """A plan. `is_cut`: it takes longer than what is drawn. `run`: what the form of a new run is told of it."""

    plan: PlanSaid
    rank: int
    pieces: tuple[Piece, ...]
    is_cut: bool
    run: str = ""

    @property
    def parts(self) -> list[StageSaid | HopSaid]:
        return in_order(self.plan)


class Lost(NamedTuple):
    """Everything on one device."""

    device: str
    bar: Bar | None
    rank: int | None
    why: str
    broken: tuple[str, ...]


class Dot(NamedTuple):
    x: float
    y: float
    plan: PlanSaid
    is_best: bool

    @property
    def cx(self) -> str:
        return f"{self.x:.1f}"

    @property
    def cy(self) -> str:
        return f"{self.y:.1f}"

    @property
    def words(self) -> str:
        return short(self.plan)


@dataclass(frozen=True)
class Drawn:
    """All of an answer."""

    answer: Answer
    bars: tuple[Bar, ...]
    natives: tuple[Lost, ...]
    band: Band | None
    dots: tuple[Dot, ...]
    devices: tuple[tuple[str, int, str], ...]
    ways: frozenset[str]

    @property
    def best(self) -> PlanSaid | None:
        return self.answer.plans[0] if self.answer.plans else None

    @property
    def kinds(self) -> str:
        """Of the numbers that the verdict sets side by side."""
        shown = [*self.answer.plans[:1], *(each.plan for each in self.answer.natives if each.plan)]
        return " or ".join(sorted({plan.kind for plan in shown}, reverse=True))

    @property
    def path(self) -> str:
        return " ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in self.dots)


def drawn(team: Team, answer: Answer, sheet: Sheet, places: Mapping[str, int]) -> Drawn:
    scale = _scale(answer.plans, [each.plan for each in answer.natives if each.plan])
    runs = of_plans(team, answer.plans, sheet.network, lanes_shown(sheet.ways))
    bars = tuple(replace(bar(plan, rank, scale, places), run=run)
                 for rank, (plan, run) in enumerate(zip(answer.plans, runs, strict=True), 1))
    natives = tuple(Lost(each.device, bar(each.plan, each.rank or 0, scale, places) if each.plan else None, each.rank,
                         each.why, each.broken) for each in answer.natives)
    kinds = {stage.device: stage.kind for each in natives if each.bar for stage in each.bar.plan.stages}
    devices = tuple((each.name, places.get(each.name, 7), kinds.get(each.name, each.origin)) for each in sheet.on)
    return Drawn(answer, bars, natives, band(answer, sheet, places), dots(answer), devices, used(answer, sheet))


def used(answer: Answer, sheet: Sheet) -> frozenset[str]:
    """The links and devices of the best plan, as the form names them."""
    ids = {each.name: str(each.pk) for each in sheet.on}
    if not answer.plans:
        return frozenset()
    plan = answer.plans[0]
    ends = ((hop.sender, hop.receiver) for hop in plan.hops)
    ways = (f"{ids[one]}.{ids[other]}" for one, other in ends if one in ids and other in ids)
    return frozenset([*ways, *(ids[stage.device] for stage in plan.stages if stage.device in ids)])


def _scale(plans: Sequence[PlanSaid], natives: Sequence[PlanSaid]) -> float:
    longest = max((plan.latency_ms for plan in plans), default=0.0)
    alone = max((plan.latency_ms for plan in natives), default=0.0)
    return max(longest, min(alone, LONGEST * longest) if plans else alone, 1e-9)


def bar(plan: PlanSaid, rank: int, scale: float, places: Mapping[str, int]) -> Bar:
    """Stages and hops in the order in which they happen."""
    pieces, at = [], 0.0
    for part in in_order(plan):
        start, end = min(at / scale, 1.0), min((at + part.ms) / scale, 1.0)
        at += part.ms
        if end > start:
            pieces.append(_piece(part, start, end, places))
    return Bar(plan, rank, tuple(pieces), at > scale * 1.0001)


def in_order(plan: PlanSaid) -> list[StageSaid | HopSaid]:
    """What is sent stands before the stage that waits for it; a result that goes back stands last."""
    hops = list(plan.hops)
    found: list[StageSaid | HopSaid] = []
    for stage in plan.stages:
        if hops and hops[0].receiver == stage.device and hops[0].cut == stage.first - 1:
            found.append(hops.pop(0))
        found.append(stage)
    return [*found, *hops]


def _piece(part: StageSaid | HopSaid, start: float, end: float, places: Mapping[str, int]) -> Piece:
    wide = 100 * (end - start)
    if isinstance(part, StageSaid):
        label = f"{part.device} {span(part.first, part.last)}"
        return Piece(percent(100 * start), percent(wide), places.get(part.device, 7), part.kind, label, part, None,
                     len(label) * LETTER < wide)
    return Piece(percent(100 * start), percent(wide), None, "hop", "", None, part, wide > LETTER * 7)


def dots(answer: Answer) -> tuple[Dot, ...]:
    """Plans that no other beats in both: time of one image to the right, images in a second upwards."""
    plans = answer.pareto
    if not plans:
        return ()
    most_ms, most = max(plan.latency_ms for plan in plans), max(plan.per_second for plan in plans)
    best = answer.plans[0].key if answer.plans else ""
    wide, high = (PLOT_WIDTH - 2 * EDGE) / max(most_ms, 1e-9), (PLOT_HEIGHT - 2 * EDGE) / max(most, 1e-9)
    found = (Dot(EDGE + wide * plan.latency_ms, PLOT_HEIGHT - EDGE - high * plan.per_second, plan, plan.key == best)
             for plan in plans)
    return tuple(sorted(found, key=lambda dot: (dot.x, dot.y)))
