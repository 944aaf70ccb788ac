"""Which plan wins where: at every factor the plan of its band is as good as the best that counting out finds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.worker.partitioning import planner_cases as cases
from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.asking import best
from worker.partitioning.planner.bands import Varying, bands
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem


def changed(given: Problem, varying: Varying, factor: float, links: np.ndarray) -> Problem:  # type: ignore[type-arg]
    by = np.where(links, factor, 1.0)
    if varying == "latency":
        return replace(given, latency_s=given.latency_s * by)
    return replace(given, bytes_per_s=given.bytes_per_s * by)


def took(given: Problem, plan: Plan) -> float:
    return next(each.latency_s for each in cases.every(given)
                if [(s.resource, s.stop) for s in each.stages] == [(s.resource, s.stop) for s in plan.stages])


@pytest.mark.parametrize("varying", ["bandwidth", "latency"])
@pytest.mark.parametrize("one_link", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_at_every_factor_the_bands_plan_is_the_best(seed: int, varying: Varying, one_link: bool) -> None:
    given = cases.problem(800 + seed)
    links = np.ones_like(given.latency_s, dtype=np.bool_)
    if one_link:
        links[:] = False
        links[0, -1] = True
    found = bands(given, varying=varying, links=links)
    for band in found:
        for factor in np.geomspace(band.low, band.high, 5):
            there = changed(given, varying, float(factor), links)
            assert took(there, band.plan) == pytest.approx(best(there, count=1)[0].latency_s, abs=1e-7)


@pytest.mark.parametrize("seed", range(20))
def test_bands_cover_the_range_without_gaps_and_neighbours_differ(seed: int) -> None:
    found = bands(cases.problem(800 + seed), low=0.1, high=10)
    assert found[0].low == pytest.approx(0.1) and found[-1].high == pytest.approx(10)
    assert all(one.high == pytest.approx(other.low) and one.plan != other.plan for one, other in pairwise(found))


def test_by_hand_the_device_wins_until_the_link_is_fast_enough() -> None:
    """8 s here, or 10 bytes sent and 3 s there: as fast as each other at 10 / 5 = 2 bytes a second."""
    given = cases.plain([[8.0], [3.0]], crossing_bytes=[10, 1])
    found = bands(given, low=0.5, high=8)
    assert [(band.low, band.high, band.plan.stages[0].resource) for band in found] == [
        (0.5, pytest.approx(2), "0"), (pytest.approx(2), pytest.approx(8), "1")]


def test_what_is_asked_holds_in_every_band() -> None:
    given = cases.plain([[8.0, 8.0], [3.0, 3.0]], crossing_bytes=[10, 5, 1])
    assert {band.plan.stages[0].resource for band in bands(given, [c.InputStays()])} == {"0"}
    assert bands(given, [c.TierUnused(0), c.TierUnused(1)]) == []


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="range of factors"):
        bands(cases.plain([[1.0]], crossing_bytes=[1, 1]), low=2, high=1)
