"""Random variants small enough to count out every plan of every version, and what counting out gives."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from tests.worker.partitioning import planner_cases
from worker.partitioning.joint.versions import Layer, Variant, fitted
from worker.partitioning.planner.checking import faults
from worker.partitioning.planner.constraints import Constraint
from worker.partitioning.planner.plan import Plan

Point = tuple[float, float]  # accuracy, seconds


def variant(seed: int, asked: Sequence[str] = (), *, layers: int = 3, has_ties: bool = False) -> Variant:
    """Up to five blocks, with transfer layers at random cuts that leave a quarter of the bytes or less."""
    given = planner_cases.problem(seed, blocks=2 + seed % 4, has_ties=has_ties)
    chance = np.random.default_rng(seed + 1000)
    count = len(given.resources)

    def layer() -> Layer:
        cut = int(chance.integers(1, given.blocks))
        return Layer(cut, int(given.crossing_bytes[cut] // chance.integers(4, 17)), chance.random(count) * 0.2,
                     chance.random(count) * 0.2, round(float(chance.random()), 1), int(chance.integers(0, 20)))

    rules: dict[str, Constraint] = planner_cases.asked(given, seed)
    return Variant(given, tuple(rules[each] for each in asked), round(float(chance.random()), 1),
                   tuple(layer() for _ in range(layers)))


def counted_out(given: Variant) -> list[tuple[float, float]]:
    """Accuracy and least seconds of each version, by counting all its plans; infinite where there is none."""
    plans = planner_cases.kept(given.problem, list(given.asked))
    found = [(given.accuracy, _least([plan for plan in plans if len(plan.stages) == 1])),
             (given.accuracy, _least([plan for plan in plans if len(plan.stages) > 1]))]
    for layer in given.layers:
        there = fitted(given.problem, layer)
        kept = [plan for plan in planner_cases.every(there)
                if any(hop.cut == layer.cut for hop in plan.hops) and not faults(there, plan, given.asked)]
        found.append((layer.accuracy, _least(kept)))
    return found


def unbeaten(points: Sequence[Point]) -> list[Point]:
    """The Pareto front, the soonest first, equal ones once."""
    alive = {(accuracy, round(seconds, 8)) for accuracy, seconds in points if seconds < inf}
    return sorted((point for point in alive if not any(
        other != point and other[0] >= point[0] and other[1] <= point[1] for other in alive)), key=lambda point: point[1])


def _least(plans: Sequence[Plan]) -> float:
    return min((plan.latency_s for plan in plans), default=inf)
