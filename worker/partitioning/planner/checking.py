"""An independent judge of plans: shares nothing with the search but the problem, and counts everything again from its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.plan import Plan, Stage
from worker.partitioning.planner.problem import Problem

ROUNDING = 1e-9  # seconds, or joules: what sums of rounded parts may be off


def faults(problem: Problem, plan: Plan, asked: Iterable[c.Constraint] = ()) -> list[str]:
    """What is wrong with a plan, each in a sentence; empty when nothing is."""
    return [*_shape(problem, plan), *_times(problem, plan),
            *(f"It breaks: {each}." for each in asked if not keeps(problem, plan, each))]


def keeps(problem: Problem, plan: Plan, asked: c.Constraint) -> bool:
    return KEPT[type(asked)](problem, plan, asked)


def _shape(problem: Problem, plan: Plan) -> Iterable[str]:
    """Every block once and in order, on tiers that rise; a message wherever the place changes."""
    ran = [block for stage in plan.stages for block in range(stage.first, stage.stop)]
    if ran != list(range(problem.blocks)):
        yield f"It runs blocks {ran}, not each of {problem.blocks} once in order."
    tiers = [stage.tier for stage in plan.stages]
    if any(a >= b for a, b in pairwise(tiers)):
        yield f"Its tiers do not rise: {tiers}."
    source = problem.resources[problem.source].name
    stays = [source, *(stage.resource for stage in plan.stages)] + ([source] if problem.returns else [])
    wanted = [(a, b) for a, b in pairwise(stays) if a != b]
    if wanted != [(hop.sender, hop.receiver) for hop in plan.hops]:
        yield f"Its messages go {[(hop.sender, hop.receiver) for hop in plan.hops]} instead of {wanted}."


def _times(problem: Problem, plan: Plan) -> Iterable[str]:
    places = {each.name: place for place, each in enumerate(problem.resources)}
    for stage in plan.stages:
        took = sum(float(problem.seconds[places[stage.resource], block]) for block in range(stage.first, stage.stop))
        if abs(took - stage.seconds) > ROUNDING:
            yield f"Blocks {stage.first} to {stage.stop - 1} take {took} s on {stage.resource}, not {stage.seconds} s."
    for hop in plan.hops:
        sender, receiver = places[hop.sender], places[hop.receiver]
        speed = float(problem.bytes_per_s[sender, receiver])
        if speed <= 0:
            yield f"There is no link from {hop.sender} to {hop.receiver}."
            continue
        took = float(problem.latency_s[sender, receiver]) + int(problem.crossing_bytes[hop.cut]) / speed
        if abs(took - hop.seconds) > ROUNDING:
            yield f"From {hop.sender} to {hop.receiver} it takes {took} s, not {hop.seconds} s."


def _in(plan: Plan, where: c.Where) -> list[Stage]:
    """The stages of a tier, or on a resource."""
    return [stage for stage in plan.stages if where in (stage.tier, stage.resource)]


def _ran(plan: Plan, where: c.Where) -> set[int]:
    return {block for stage in _in(plan, where) for block in range(stage.first, stage.stop)}


def _out_of(problem: Problem, plan: Plan, where: c.Where) -> list[int]:
    tiers = {each.name: each.tier for each in problem.resources}
    return [hop.bytes for hop in plan.hops if where in (hop.sender, tiers[hop.sender])]


def _joules(problem: Problem, stage: Stage) -> float:
    assert problem.joules is not None
    place = [each.name for each in problem.resources].index(stage.resource)
    return sum(float(problem.joules[place, block]) for block in range(stage.first, stage.stop))


def _sent_joules(problem: Problem, plan: Plan) -> float:
    if problem.joules_per_byte is None:
        return 0.0
    names = [each.name for each in problem.resources]
    return sum(hop.bytes * float(problem.joules_per_byte[names.index(hop.sender), names.index(hop.receiver)])
               for hop in plan.hops)


def _memory(problem: Problem, stage: Stage) -> int:
    assert problem.params_bytes is not None and problem.activation_bytes is not None
    ran = range(stage.first, stage.stop)
    return sum(int(problem.params_bytes[block]) for block in ran) + max(int(problem.activation_bytes[block]) for block in ran)


# How each constraint is judged on a finished plan.
KEPT: dict[type[Any], Callable[[Problem, Plan, Any], bool]] = {
    c.TierUsed: lambda _, plan, asked: bool(_in(plan, asked.tier)),
    c.TierUnused: lambda _, plan, asked: not _in(plan, asked.tier),
    c.Used: lambda _, plan, asked: asked.resource in [stage.resource for stage in plan.stages],
    c.Unused: lambda _, plan, asked: asked.resource not in [stage.resource for stage in plan.stages],
    c.RunsIn: lambda _, plan, asked: set(asked.blocks) <= _ran(plan, asked.where),
    c.RunsNotIn: lambda _, plan, asked: not set(asked.blocks) & _ran(plan, asked.where),
    c.BytesOut: lambda problem, plan, asked: all(size <= asked.most for size in _out_of(problem, plan, asked.where)),
    c.CrossingTensors: lambda problem, plan, asked: all(
        hop.tensors <= asked.most for hop in plan.hops if 0 < hop.cut < problem.blocks),
    c.InputStays: lambda problem, plan, _: plan.stages[0].resource == problem.resources[problem.source].name,
    c.SecondsIn: lambda _, plan, asked: all(stage.seconds <= asked.most + ROUNDING for stage in _in(plan, asked.where)),
    c.JoulesIn: lambda problem, plan, asked: all(
        _joules(problem, stage) <= asked.most + ROUNDING for stage in _in(plan, asked.where)),
    c.ShareIn: lambda _, plan, asked: (
        100 * sum(stage.seconds for stage in _in(plan, asked.where)) <= asked.most_percent * plan.compute_s + ROUNDING),
    c.BytesInAll: lambda _, plan, asked: plan.bytes <= asked.most,
    c.JoulesInAll: lambda problem, plan, asked: (
        sum(_joules(problem, stage) for stage in plan.stages) + _sent_joules(problem, plan) <= asked.most + ROUNDING),
    c.MemoryOf: lambda problem, plan, asked: all(_memory(problem, stage) <= asked.most for stage in _in(plan, asked.where)),
}
