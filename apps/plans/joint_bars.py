"""The choice as bars on one scale: what runs where, what crosses which link, where a transfer layer stands; and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from apps.plans.joint_plot import share
from apps.plans.planner_band import LETTER, percent
from apps.plans.planner_bars import in_order
from apps.plans.relays import Relays
from worker.planning.answer import LayerSaid, PlanSaid, StageSaid
from worker.planning.joint_answer import FORMS, JointAnswer, VersionSaid


class Part(NamedTuple):
    """A part of a bar. `kind`: stage, half (of a transfer layer) or hop; `place`: the device's colour."""

    x: str
    width: str
    place: int | None
    kind: str
    title: str
    label: str
    short: str
    fits: bool
    guessed: bool


@dataclass(frozen=True)
class Bar:
    """A plan in parts. `name`: whose; `beside`: in words, how it compares with the choice."""

    name: str
    accuracy: float
    plan: PlanSaid
    parts: tuple[Part, ...]
    beside: str = ""

    @property
    def right(self) -> str:
        return share(self.accuracy)


def bars(answer: JointAnswer, shown: VersionSaid, places: Mapping[str, int]) -> tuple[Bar, ...]:
    """The version that is shown, and what it is held against, on one scale."""
    if shown.plan is None:
        return ()
    others = [each for each in answer.pieces if each.plan.key != shown.plan.key or each.variant != shown.variant]
    scale = max([shown.plan.latency_ms, *(each.plan.latency_ms for each in others)], default=1.0) or 1.0
    first = Bar(shown.name, shown.accuracy, shown.plan, tuple(_parts(shown.plan, shown.transfer, scale, places)))
    return (first, *(Bar(f"{each.variant}, in one piece", each.accuracy, each.plan, tuple(_parts(each.plan, None, scale, places)),
                         _beside(each.plan, shown.plan)) for each in others))


def _beside(plan: PlanSaid, than: PlanSaid) -> str:
    if not than.latency_ms:
        return ""
    return f"{plan.latency_ms / than.latency_ms:.2g} times as long" if plan.latency_ms >= 1.1 * than.latency_ms else ""


def _parts(plan: PlanSaid, layer: LayerSaid | None, scale: float, places: Mapping[str, int]) -> Iterator[Part]:
    at = 0.0
    for ms, kind, place, title, label, guessed in _said(plan, layer, places):
        x, wide = 100 * at / scale, 100 * ms / scale
        at += ms
        if wide > 0:
            short = f"{ms:.3g} ms"
            yield Part(percent(x), percent(wide), place, kind, title, label, short, len(label) * LETTER < wide, guessed)


def _said(plan: PlanSaid, layer: LayerSaid | None,
          places: Mapping[str, int]) -> Iterator[tuple[float, str, int | None, str, str, bool]]:
    """Each part's ms, kind, colour, title, label, and whether its time was not measured; halves stand beside their link."""
    for each in in_order(plan):
        if not isinstance(each, StageSaid):
            size = _size(each.bytes)
            yield (each.ms, "hop", None, f"{each.sender} to {each.receiver}: {size}, {each.ms:.3g} ms",
                   f"{size} · {each.ms:.3g} ms", False)
            continue
        place, guessed = places.get(each.device, 7), each.kind != "measured"
        up = layer.up_ms if layer and each.first == layer.cut + 1 else 0.0
        down = layer.down_ms if layer and each.last == layer.cut else 0.0
        own, span = max(each.ms - up - down, 0.0), f"{each.first}–{each.last}" if each.last > each.first else str(each.first)
        halves = "transfer layer, {half}: {ms:.3g} ms on " + each.device
        if up:
            yield up, "half", place, halves.format(half="second half", ms=up), "", guessed
        took = f"{own:.3g} ms"
        yield own, "stage", place, f"{each.device}, blocks {span}: {took}, {each.kind}", f"{each.device} {span} · {took}", guessed
        if down:
            yield down, "half", place, halves.format(half="first half and packing", ms=down), "", guessed


def _size(count: int) -> str:
    return f"{count / 1e6:.3g} MB" if count >= 1e6 else f"{count / 1e3:.3g} kB" if count >= 1e3 else f"{count} B"


HEAD = ("version", "variant", "form", "transfer_layer", "behind", "accuracy", "images", "accuracy_low", "accuracy_high",
        "latency_ms", "latency_is", "on_front", "chosen", "plan", "devices", "bytes_sent", "kind", "why", "relayed")


def rows(answer: JointAnswer, relays: Relays) -> Iterator[list[object]]:
    """Every version, the front first. `relays`: the hops of their plans that the portal relays once they run on boards."""
    order = [*answer.front, *(place for place, each in enumerate(answer.versions) if not each.on_front)]
    for place in order:
        each, plan = answer.versions[place], answer.versions[place].plan
        sure = "" if each.latency_ms is None else "at least" if each.at_least else "best"
        yield [each.name, each.variant, FORMS[each.form], each.layer, each.after, each.accuracy, each.n, each.low, each.high,
               each.latency_ms, sure, each.on_front, place == answer.chosen, plan.words if plan else "",
               " → ".join(stage.device for stage in plan.stages) if plan else "", plan.bytes if plan else None,
               each.kind, each.why, ", ".join(f"{one} → {other}" for one, other in relays.ways(plan)) if plan else ""]
