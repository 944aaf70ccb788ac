"""Plans by throughput, and the frontier of latency and throughput: what counting out every plan gives."""

from __future__ import annotations

import pytest

from tests.worker.partitioning import planner_cases as cases
from worker.partitioning.planner.asking import best, pareto
from worker.partitioning.planner.plan import Plan


def both(plan: Plan) -> tuple[float, float]:
    return round(plan.bottleneck_s, 9), round(plan.latency_s, 9)


@pytest.mark.parametrize("has_ties", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_the_ten_fastest_of_all_and_of_equal_ones_the_least_latency(seed: int, has_ties: bool) -> None:
    given = cases.problem(500 + seed, has_ties=has_ties)
    assert best(given, objective="throughput") == sorted(cases.every(given), key=both)[:10]


@pytest.mark.parametrize("kind", ["input stays", "bytes in all", "share", "seconds"])
@pytest.mark.parametrize("seed", range(8))
def test_what_is_asked_holds_for_throughput_too(seed: int, kind: str) -> None:
    given = cases.problem(600 + seed)
    asked = [cases.asked(given, seed)[kind]]
    assert best(given, asked, objective="throughput") == sorted(cases.kept(given, asked), key=both)[:10]


@pytest.mark.parametrize("has_ties", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_the_frontier_is_what_no_plan_beats(seed: int, has_ties: bool) -> None:
    given = cases.problem(700 + seed, has_ties=has_ties)
    every = {both(plan) for plan in cases.every(given)}
    unbeaten = {(slow, long) for slow, long in every
                if not any(a <= slow and b <= long and (a, b) != (slow, long) for a, b in every)}
    found = [both(plan) for plan in pareto(given)]
    assert set(found) == unbeaten and found == sorted(found, key=lambda each: each[1])


def test_two_machines_as_fast_as_each_other_do_twice_as_many_images() -> None:
    given = cases.plain([[1.0, 1.0], [1.0, 1.0]], crossing_bytes=[0, 0, 0])
    assert best(given, count=1)[0].bottleneck_s == 2 and best(given, count=1, objective="throughput")[0].bottleneck_s == 1
