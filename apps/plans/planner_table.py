"""Plans as a table that leaves as CSV: a line for each part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apps.plans.planner_bars import in_order
from apps.plans.relays import Relays
from worker.planning import Answer
from worker.planning.answer import PlanSaid, StageSaid

HEAD = ("plan", "rank", "part", "device", "to", "first_block", "last_block", "first_layer", "last_layer", "ms", "bytes",
        "tensors", "relayed", "kind", "plan_latency_ms", "plan_kind", "plan_images_per_second", "plan_bytes", "why_not",
        "transfer_layer", "raw_bytes", "accuracy", "accuracy_whole")


def rows(told: Answer, relays: Relays) -> Iterator[list[Any]]:
    """`relays`: the hops that the portal relays once they run on boards."""
    for rank, plan in enumerate(told.plans, 1):
        yield from parts(plan, rank, "", relays)
    for each in told.natives:
        if each.plan and each.plan.key not in {plan.key for plan in told.plans}:
            yield from parts(each.plan, each.rank, " ".join([each.why, *each.broken]), relays)


def parts(plan: PlanSaid, rank: int | None, why: str, relays: Relays) -> Iterator[list[Any]]:
    of_plan = [plan.latency_ms, plan.kind, plan.per_second, plan.bytes, why]
    for each in in_order(plan):
        if isinstance(each, StageSaid):
            yield [plan.words, rank, "stage", each.device, None, each.first, each.last, each.first_layer, each.last_layer,
                   each.ms, None, None, None, each.kind, *of_plan, *[None] * 4]
        else:
            yield [plan.words, rank, "hop", each.sender, each.receiver, None, each.cut, None, None, each.ms, each.bytes,
                   each.tensors, each in relays.hops, "predicted", *of_plan, *_layer(plan, each.cut)]


def _layer(plan: PlanSaid, cut: int) -> list[Any]:
    """Of the hop that a transfer layer stands on."""
    of = plan.transfer
    return [of.title, of.raw_bytes, of.accuracy, of.accuracy_whole] if of and of.cut == cut else [None] * 4
