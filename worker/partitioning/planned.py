"""A plan with all that an answer says of it."""

from __future__ import annotations

from math import fsum

from worker.partitioning.planner.plan import Hop, Plan, Stage, plan_of
from worker.partitioning.planner.ranking import Run
from worker.partitioning.posing import Posed
from worker.partitioning.telling import key_of, words_of
from worker.planning.answer import HopSaid, Kind, PlanSaid, StageSaid

FINEST_S = 1e-9  # no plan is taken to be faster, so that images in a second are a number
CERTAINTY: tuple[Kind, ...] = ("measured", "emulated", "predicted")


def said(posed: Posed, plan: Plan) -> PlanSaid:
    stages = tuple(_stage(posed, stage) for stage in plan.stages)
    block_times = max((stage.kind for stage in stages), key=CERTAINTY.index)
    return PlanSaid(
        key=key_of(plan), words=words_of(plan.stages, posed.problem.blocks), stages=stages, hops=tuple(map(_hop, plan.hops)),
        latency_ms=1e3 * plan.latency_s, compute_ms=1e3 * plan.compute_s, transfer_ms=1e3 * plan.transfer_s,
        per_second=posed.profiles[0].batch / max(plan.bottleneck_s, FINEST_S), bytes=plan.bytes, joules=joules_of(posed, plan),
        kind="emulated" if block_times == "emulated" else "predicted", block_times=block_times,
        within_percent=_within_percent(posed, plan))


def alone(posed: Posed, place: int) -> Plan | None:
    """Everything on one device; None where no link leads there, or none back where the result must return."""
    problem, source = posed.problem, posed.problem.source
    ways = [(source, place), *([(place, source)] if problem.returns else [])] if place != source else []
    if any(problem.bytes_per_s[way] <= 0 for way in ways):
        return None
    return plan_of(problem, (Run(place, 0, problem.blocks),))


def as_it_is(posed: Posed, plan: Plan) -> Plan:
    """The same cuts on the same devices, over links as the question has them."""
    return plan_of(posed.problem, tuple(Run(posed.place(stage.resource), stage.first, stage.stop) for stage in plan.stages))


def joules_of(posed: Posed, plan: Plan) -> float | None:
    """None where one device of it does not know its own."""
    rows = [(posed.network.joules[posed.place(stage.resource)], stage) for stage in plan.stages]
    known = [float(row[stage.first:stage.stop].sum()) for row, stage in rows if row is not None]
    return fsum(known) if len(known) == len(rows) else None


def _stage(posed: Posed, stage: Stage) -> StageSaid:
    layers = posed.network.layers
    return StageSaid(
        device=stage.resource, tier=stage.tier, first=stage.first + 1, last=stage.stop, first_layer=layers[stage.first][0],
        last_layer=layers[stage.stop - 1][1], ms=1e3 * stage.seconds, kind=posed.profiles[posed.place(stage.resource)].origin)


def _hop(hop: Hop) -> HopSaid:
    return HopSaid(sender=hop.sender, receiver=hop.receiver, cut=hop.cut, bytes=hop.bytes, tensors=hop.tensors,
                   ms=1e3 * hop.seconds)


def _within_percent(posed: Posed, plan: Plan) -> float | None:
    """The widest of its predicted parts."""
    profiles = [posed.profiles[posed.place(stage.resource)] for stage in plan.stages]
    return max((100 * each.predicted_within for each in profiles
                if each.origin == "predicted" and each.predicted_within is not None), default=None)
