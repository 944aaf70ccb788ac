"""What has to hold for any plan of any problem, and cases small enough to be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.worker.partitioning import planner_cases as cases
from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.asking import best
from worker.partitioning.planner.checking import faults
from worker.partitioning.planner.conflicts import conflict
from worker.partitioning.planner.problem import Problem, Resource

SEEDS = pytest.mark.parametrize("seed", range(25))


def least(given: Problem) -> float:
    return best(given, count=1)[0].latency_s


def test_a_chain_of_three_blocks_on_two_devices_by_hand() -> None:
    """All on 0: 6 s. Cut before the last: 1 + 2 + 5 (5 bytes) + 0.1. Cut before the second: 1 + 1 (1 byte) + 0.1 + 0.1."""
    given = cases.plain([[1.0, 2.0, 3.0], [0.1, 0.1, 0.1]], crossing_bytes=[9, 1, 5, 7])
    assert [(plan.latency_s, [stage.stop for stage in plan.stages]) for plan in best(given)] == [
        (pytest.approx(2.2), [1, 3]), (6.0, [3]), (pytest.approx(8.1), [2, 3]), (pytest.approx(9.3), [3])]


def test_the_answer_is_sent_back_where_it_must_return() -> None:
    given = replace(cases.plain([[1.0], [0.25]], crossing_bytes=[0, 2]), returns=True)
    assert [plan.latency_s for plan in best(given)] == [1.0, 2.25]


@SEEDS
def test_no_plan_of_the_list_has_a_fault_and_its_parts_add_up(seed: int) -> None:
    given = cases.problem(seed)
    for plan in best(given):
        parts = [*(stage.seconds for stage in plan.stages), *(hop.seconds for hop in plan.hops)]
        assert not faults(given, plan) and plan.latency_s == pytest.approx(sum(parts), abs=1e-9)


@SEEDS
def test_what_gets_better_never_makes_the_best_plan_worse(seed: int) -> None:
    given = cases.problem(seed)
    before = least(given)
    for better in (replace(given, bytes_per_s=given.bytes_per_s * 1.5), replace(given, latency_s=given.latency_s * 0.5),
                   replace(given, seconds=given.seconds * 0.9)):
        assert least(better) <= before + 1e-9


@SEEDS
def test_one_more_resource_never_makes_it_worse(seed: int) -> None:
    given = cases.problem(seed)
    wide = np.pad(given.latency_s, ((0, 1), (0, 1))), np.pad(given.bytes_per_s, ((0, 1), (0, 1)), constant_values=1e6)
    more = Problem((*given.resources, Resource("new", given.resources[-1].tier)), np.vstack((given.seconds, given.seconds[-1])),
                   given.crossing_bytes, *wide, returns=given.returns)
    assert least(more) <= least(given) + 1e-9


@SEEDS
def test_a_limit_that_is_relaxed_never_makes_it_worse(seed: int) -> None:
    given = cases.problem(seed)
    times = [best(given, [c.BytesOut(0, most)], count=1) for most in (0, 10**5, 10**6)]
    found = [plans[0].latency_s if plans else float("inf") for plans in times]
    assert found == sorted(found, reverse=True)


@SEEDS
def test_everything_slower_by_a_factor_is_slower_by_it_and_the_same_plan(seed: int) -> None:
    given = cases.problem(seed)
    slow = replace(given, seconds=given.seconds * 8, latency_s=given.latency_s * 8, bytes_per_s=given.bytes_per_s / 8)
    one, other = best(given, count=1)[0], best(slow, count=1)[0]
    assert other.latency_s == pytest.approx(8 * one.latency_s) and [s.stop for s in other.stages] == [s.stop for s in one.stages]


@SEEDS
def test_without_links_only_the_source_remains_and_with_perfect_ones_each_block_runs_where_it_may_be_fastest(seed: int) -> None:
    given = replace(cases.problem(seed), returns=False)
    alone = best(replace(given, bytes_per_s=np.zeros_like(given.bytes_per_s)))
    assert [[stage.resource for stage in plan.stages] for plan in alone] == [["r0a"]]
    perfect = replace(given, bytes_per_s=np.full_like(given.bytes_per_s, 1e18), latency_s=np.zeros_like(given.latency_s))
    in_order = min(sum(float(given.seconds[stage, block]) for block, stage in enumerate(path)) for path in _orders(given))
    assert least(perfect) == pytest.approx(in_order, abs=1e-6)


def _orders(given: Problem) -> list[tuple[int, ...]]:
    names = [each.name for each in given.resources]
    linked = replace(given, bytes_per_s=np.ones_like(given.bytes_per_s))
    return [tuple(names.index(stage.resource) for stage in plan.stages for _ in range(stage.first, stage.stop))
            for plan in cases.every(linked)]


def test_the_fewest_constraints_that_conflict_are_named() -> None:
    given = cases.plain([[1.0] * 4] * 3, crossing_bytes=[5, 4, 3, 2, 1])
    pinned = c.RunsIn(2, (1,))
    asked = [c.TierUsed(0), c.BytesOut(1, 100), c.TierUnused(2), c.SecondsIn(0, 10.0), pinned]
    assert conflict(given, asked) == [c.TierUnused(2), pinned]
    assert conflict(given, [c.TierUsed(0), c.BytesOut(1, 100)]) is None


def test_three_that_conflict_only_together_are_named_together() -> None:
    given = cases.plain([[1.0] * 4] * 3, crossing_bytes=[5, 4, 3, 2, 1])
    asked = [c.CrossingTensors(1), c.TierUnused(0), c.TierUnused(1), c.BytesOut(0, 10), c.TierUnused(2)]
    assert conflict(given, asked) == [c.TierUnused(0), c.TierUnused(1), c.TierUnused(2)]


@pytest.mark.parametrize(("changed", "said"), [
    ({"seconds": np.ones((2, 0))}, "at least one"), ({"crossing_bytes": np.ones(3, np.int64)}, "crossing_bytes must have"),
    ({"latency_s": np.full((2, 2), np.nan)}, "latency_s must be finite"), ({"source": 5}, "source must be"),
    ({"resources": (Resource("b", 1), Resource("a", 0))}, "ordered by tier")])
def test_what_cannot_be_a_problem_is_refused_by_name(changed: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(cases.plain([[1.0], [1.0]], crossing_bytes=[1, 1]), **changed)  # type: ignore[arg-type]
