"""The best plans of a network as it is and with each transfer layer that it may have, one in a plan at most.

A layer changes what crosses its cut and what the blocks beside it take, so each is the planner's problem with these numbers
instead, and the best of all is the best of each. Of the same cuts on the same devices the better way speaks: no other plan of it
comes before, so that so many of the best of each problem hold the best of all, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from worker.partitioning.joint.bounds import bounds
from worker.partitioning.joint.versions import Layer, Variant, Version
from worker.partitioning.planner import asking
from worker.partitioning.planner.asking import Objective
from worker.partitioning.planner.constraints import Constraint
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem

FINEST = 1e12  # picoseconds and picojoules: what is no further apart is equal, and the plan without a layer comes first
SLACK_S = 1e-9


class _Ranked(NamedTuple):
    """`worth`: what is to be small, never less than that of the plan before it in its own problem's order."""

    worth: tuple[int, ...]
    problem: int
    rank: int
    plan: Plan


def variant(problem: Problem, asked: Sequence[Constraint], layers: Sequence[Layer] = (), only: str = "") -> Variant:
    """`layers` have names, each its own; `only`: that of the layer without which there is no plan."""
    return Variant(problem, tuple(asked), 1.0, tuple(layers), only)


def best(given: Variant, *, count: int, objective: Objective = "latency") -> list[Plan]:
    """Up to `count` plans, the best first, as `planner.asking.best` orders them; no layer among them where none is offered."""
    plain = [] if given.only else asking.best(given.problem, given.asked, count=count, objective=objective)
    if not given.layers:
        return plain
    found = _ranked(given.problem, plain, 0, objective)
    for place, least_s in _soonest_first(given, objective):
        version = Version("layer", place)
        if not given.may_be(version) or (len(found) == count and least_s > found[-1].plan.latency_s + SLACK_S):
            continue
        problem = given.problem_of(version)
        plans = asking.best(problem, given.kept_by(version), count=count, objective=objective)
        own = [replace(each, layer=given.layers[place].name) for each in plans]
        found = _first([*found, *_ranked(problem, own, 1 + place, objective)], count)
    return [each.plan for each in found]


def pareto(given: Variant) -> list[Plan]:
    """Plans of which none is beaten in both latency and throughput, the least latency first."""
    found = [] if given.only else asking.pareto(given.problem, given.asked)
    for place, layer in enumerate(given.layers):
        version = Version("layer", place)
        if not given.may_be(version):
            continue
        found += [replace(each, layer=layer.name) for each in asking.pareto(given.problem_of(version), given.kept_by(version))]
    if not given.layers:
        return found
    kept = list[Plan]()
    for each in sorted(found, key=lambda plan: (plan.latency_s, plan.bottleneck_s)):
        if not kept or each.bottleneck_s < kept[-1].bottleneck_s - 1 / FINEST:
            kept.append(each)
    return kept


def problem_of(given: Variant, plan: Plan) -> Problem:
    """In whose numbers the plan is told."""
    place = next((place for place, each in enumerate(given.layers) if each.name == plan.layer), None)
    return given.problem if place is None or not plan.layer else given.problem_of(Version("layer", place))


def _soonest_first(given: Variant, objective: Objective) -> Iterator[tuple[int, float]]:
    """Each layer's place, and seconds than which no plan with it takes less: what cannot enter the list is not searched."""
    if objective != "latency":
        return iter([(place, 0.0) for place in range(len(given.layers))])
    return iter(sorted(((place, each.seconds) for place, each in enumerate(bounds(given)[2:])), key=lambda each: each[1]))


def _ranked(problem: Problem, plans: Sequence[Plan], number: int, objective: Objective) -> list[_Ranked]:
    found, least = list[_Ranked](), (0, 0)
    for rank, plan in enumerate(plans):
        least = max(least, _worth(problem, plan, objective))
        found.append(_Ranked(least, number, rank, plan))
    return found


def _worth(problem: Problem, plan: Plan, objective: Objective) -> tuple[int, int]:
    match objective:
        case "latency":
            return round(plan.latency_s * FINEST), 0
        case "throughput":
            return round(plan.bottleneck_s * FINEST), round(plan.latency_s * FINEST)
        case "bytes":
            return plan.bytes, 0
        case "energy":
            return round(_joules(problem, plan) * FINEST), 0


def _joules(problem: Problem, plan: Plan) -> float:
    assert problem.joules is not None
    places = {each.name: place for place, each in enumerate(problem.resources)}
    return sum(float(problem.joules[places[each.resource], each.first:each.stop].sum()) for each in plan.stages)


def _first(found: Sequence[_Ranked], count: int) -> list[_Ranked]:
    """In order; of the same cuts on the same devices the best alone."""
    kept: dict[tuple[tuple[str, int], ...], _Ranked] = {}
    for each in sorted(found, key=lambda each: each[:3]):
        kept.setdefault(tuple((stage.resource, stage.stop) for stage in each.plan.stages), each)
    return list(kept.values())[:count]
