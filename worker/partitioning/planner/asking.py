"""The planner's door: the best plans of a problem, under what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np

from worker.partitioning.planner.constraints import Constraint
from worker.partitioning.planner.pipelined import fastest, frontier
from worker.partitioning.planner.plan import Plan, plan_of
from worker.partitioning.planner.problem import Costs, Floats, Problem, scale_of, whole
from worker.partitioning.planner.space import Space
from worker.partitioning.planner.within import cheapest

Objective = Literal["latency", "throughput", "energy", "bytes"]


def best(problem: Problem, asked: Iterable[Constraint] = (), *, count: int = 10,
         objective: Objective = "latency") -> list[Plan]:
    """Up to `count` plans, the best first; none where nothing keeps all that is asked.

    Of plans with one throughput the one of less latency comes first. Equal ones (to the picosecond, picojoule or byte) stand in
    the order of the resources that run their blocks, one by one.
    """
    space = space_of(problem, asked)
    if objective == "throughput":
        found = fastest(space, _latency(problem), count)
    else:
        found = cheapest(space, COSTS[objective](problem), count)
    return [plan_of(problem, each.path) for each in found]


def pareto(problem: Problem, asked: Iterable[Constraint] = ()) -> list[Plan]:
    """Plans of which none is beaten in both latency and throughput, the least latency first."""
    return [plan_of(problem, each.path) for each in frontier(space_of(problem, asked), _latency(problem))]


def space_of(problem: Problem, asked: Iterable[Constraint]) -> Space:
    space = Space(problem)
    for each in asked:
        each.narrow(space)
    return space


def _latency(problem: Problem) -> Costs:
    return costs(problem, problem.seconds, problem.transfer_s)


def _energy(problem: Problem) -> Costs:
    if problem.joules is None:
        raise ValueError("plans cannot be ordered by energy: none was given")
    each = np.zeros_like(problem.latency_s) if problem.joules_per_byte is None else problem.joules_per_byte
    return costs(problem, problem.joules, _moved(problem) * each)


def _bytes(problem: Problem) -> Costs:
    return Costs(np.zeros(problem.seconds.shape, np.int64), whole(_moved(problem), 1))


def costs(problem: Problem, blocks: Floats, hops: Floats) -> Costs:
    """In the finest unit in which no plan's cost is too large."""
    dearest = float(hops[np.isfinite(hops)].max(initial=0.0))
    scale = scale_of(float(blocks.max(axis=0).sum()) + dearest * (len(set(problem.tiers.tolist())) + 1))
    return Costs(whole(blocks, scale), whole(hops, scale))


def _moved(problem: Problem) -> Floats:
    """(N + 1) x R x R: bytes that go over a link at each cut; what stays where it is moves none."""
    here = np.eye(len(problem.resources), dtype=np.bool_)
    return np.where(here, 0.0, problem.crossing_bytes[:, None, None].astype(np.float64))


COSTS: dict[Objective, Callable[[Problem], Costs]] = {"latency": _latency, "energy": _energy, "bytes": _bytes}
