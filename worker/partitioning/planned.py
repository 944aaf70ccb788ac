"""A plan with all that an answer says of it."""

from __future__ import annotations

from dataclasses import replace
from math import fsum

from worker.partitioning import layered
from worker.partitioning.fitting import Fitted
from worker.partitioning.planner.plan import Hop, Plan, Stage, plan_of
from worker.partitioning.planner.ranking import Path, Run
from worker.partitioning.posing import Posed
from worker.partitioning.telling import key_of, words_with
from worker.planning.answer import HopSaid, Kind, LayerSaid, PlanSaid, StageSaid

FINEST_S = 1e-9  # no plan is taken to be faster, so that images in a second are a number
CERTAINTY: tuple[Kind, ...] = ("measured", "emulated", "predicted")


def said(posed: Posed, plan: Plan, fitted: Fitted | None = None) -> PlanSaid:
    """`fitted`: the transfer layer inside it; left out: the one of the question that the plan names."""
    fitted = fitted or posed.inside(plan)
    stages = tuple(_stage(posed, stage, fitted) for stage in plan.stages)
    block_times = max((stage.kind for stage in stages), key=CERTAINTY.index)
    return PlanSaid(
        key=key_of(plan), words=words_with(plan, posed.problem.blocks), stages=stages, hops=tuple(map(_hop, plan.hops)),
        latency_ms=1e3 * plan.latency_s, compute_ms=1e3 * plan.compute_s, transfer_ms=1e3 * plan.transfer_s,
        per_second=posed.profiles[0].batch / max(plan.bottleneck_s, FINEST_S), bytes=plan.bytes, joules=joules_of(posed, plan),
        kind="emulated" if block_times == "emulated" else "predicted", block_times=block_times,
        within_percent=_within_percent(posed, plan), transfer=_layer(posed, plan, fitted) if fitted else None)


def alone(posed: Posed, place: int) -> Plan | None:
    """Everything on one device; None where no link leads there, or none back where the result must return."""
    problem, source = posed.problem, posed.problem.source
    ways = [(source, place), *([(place, source)] if problem.returns else [])] if place != source else []
    if any(problem.bytes_per_s[way] <= 0 for way in ways):
        return None
    return plan_of(problem, (Run(place, 0, problem.blocks),))


def as_it_is(posed: Posed, plan: Plan) -> Plan:
    """The same cuts on the same devices, over links as the question has them."""
    return replace(plan_of(layered.problem_of(posed.variant, plan), _path(posed, plan)), layer=plan.layer)


def _path(posed: Posed, plan: Plan) -> Path:
    return tuple(Run(posed.place(stage.resource), stage.first, stage.stop) for stage in plan.stages)


def joules_of(posed: Posed, plan: Plan) -> float | None:
    """None where one device of it does not know its own."""
    rows = [(posed.network.joules[posed.place(stage.resource)], stage) for stage in plan.stages]
    known = [float(row[stage.first:stage.stop].sum()) for row, stage in rows if row is not None]
    return fsum(known) if len(known) == len(rows) else None


def _stage(posed: Posed, stage: Stage, fitted: Fitted | None) -> StageSaid:
    """One that runs a half whose time was scaled is predicted."""
    layers, kind = posed.network.layers, posed.profiles[posed.place(stage.resource)].origin
    if fitted and kind == "measured" and fitted.layer.cut in (stage.first, stage.stop) \
            and not fitted.is_measured[posed.place(stage.resource)]:
        kind = "predicted"
    return StageSaid(
        device=stage.resource, tier=stage.tier, first=stage.first + 1, last=stage.stop, first_layer=layers[stage.first][0],
        last_layer=layers[stage.stop - 1][1], ms=1e3 * stage.seconds, kind=kind)


def _layer(posed: Posed, plan: Plan, fitted: Fitted) -> LayerSaid:
    hop = next(each for each in plan.hops if each.cut == fitted.layer.cut)
    sender, receiver = posed.place(hop.sender), posed.place(hop.receiver)
    emulated = any(posed.profiles[place].origin == "emulated" for place in (sender, receiver))
    measured = fitted.is_measured[sender] and fitted.is_measured[receiver]
    offer, told = fitted.offer, ("layer", "after", "device", "accuracy", "accuracy_whole", "n", "dataset")
    return LayerSaid(
        cut=hop.cut, sender=hop.sender, receiver=hop.receiver, bytes=hop.bytes,
        raw_bytes=int(posed.problem.crossing_bytes[hop.cut]), raw_ms=1e3 * plan_of(posed.problem, _path(posed, plan)).latency_s,
        down_ms=1e3 * float(fitted.layer.down_s[sender]), up_ms=1e3 * float(fitted.layer.up_s[receiver]),
        kind="emulated" if emulated else "measured" if measured else "predicted",
        **{name: getattr(offer, name) for name in told})


def _hop(hop: Hop) -> HopSaid:
    return HopSaid(sender=hop.sender, receiver=hop.receiver, cut=hop.cut, bytes=hop.bytes, tensors=hop.tensors,
                   ms=1e3 * hop.seconds)


def _within_percent(posed: Posed, plan: Plan) -> float | None:
    """The widest of its predicted parts."""
    profiles = [posed.profiles[posed.place(stage.resource)] for stage in plan.stages]
    return max((100 * each.predicted_within for each in profiles
                if each.origin == "predicted" and each.predicted_within is not None), default=None)
