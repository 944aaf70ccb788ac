"""The planner's list is the one that counting out every plan gives: same plans, same order, whatever is asked of them."""

from __future__ import annotations

import pytest

from tests.worker.partitioning import planner_cases as cases
from worker.partitioning.planner.asking import Objective, best
from worker.partitioning.planner.checking import faults
from worker.partitioning.planner.constraints import Constraint
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem

KINDS = list(cases.asked(cases.problem(0), 0))


def cost(given: Problem, plan: Plan, objective: Objective) -> float:
    if objective == "latency":
        return plan.latency_s
    if objective == "bytes":
        return plan.bytes
    names = [each.name for each in given.resources]
    assert given.joules is not None and given.joules_per_byte is not None
    computed = sum(float(given.joules[names.index(stage.resource), stage.first:stage.stop].sum()) for stage in plan.stages)
    return computed + sum(hop.bytes * float(given.joules_per_byte[names.index(hop.sender), names.index(hop.receiver)])
                          for hop in plan.hops)


def counted_out(given: Problem, asked: list[Constraint], objective: Objective = "latency") -> list[Plan]:
    """Stable, so that equal plans stay in the order of their resources block by block."""
    return sorted(cases.kept(given, asked), key=lambda plan: round(cost(given, plan, objective), 9))


@pytest.mark.parametrize("seed", range(60))
def test_the_ten_best_of_all(seed: int) -> None:
    given = cases.problem(seed)
    assert best(given) == counted_out(given, [])[:10]


@pytest.mark.parametrize("seed", range(60))
def test_plans_that_cost_the_same_stand_in_the_order_of_their_resources(seed: int) -> None:
    given = cases.problem(seed, has_ties=True)
    assert best(given, count=50) == counted_out(given, [])[:50]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_what_is_asked_is_kept_and_nothing_better_is_missed(seed: int, kind: str) -> None:
    given = cases.problem(100 + seed)
    asked = [cases.asked(given, seed)[kind]]
    assert best(given, asked) == counted_out(given, asked)[:10]


@pytest.mark.parametrize("seed", range(40))
def test_several_things_asked_at_once(seed: int) -> None:
    given = cases.problem(200 + seed)
    every = list(cases.asked(given, seed).values())
    asked = [every[(seed + step) % len(every)] for step in (0, 3, 7)]
    found = best(given, asked)
    assert found == counted_out(given, asked)[:10]
    assert not [fault for plan in found for fault in faults(given, plan, asked)]


@pytest.mark.parametrize("objective", ["energy", "bytes"])
@pytest.mark.parametrize("seed", range(20))
def test_other_objectives(seed: int, objective: Objective) -> None:
    given = cases.problem(300 + seed)
    found, wanted = best(given, objective=objective), counted_out(given, [], objective)[:10]
    assert [cost(given, plan, objective) for plan in found] == pytest.approx([cost(given, plan, objective) for plan in wanted])


@pytest.mark.parametrize("seed", range(20))
def test_a_longer_list_begins_with_the_shorter_one(seed: int) -> None:
    given = cases.problem(400 + seed, has_ties=True)
    assert best(given, count=12)[:5] == best(given, count=5)
