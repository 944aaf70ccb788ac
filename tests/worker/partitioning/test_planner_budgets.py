"""Budgets of whole plans are kept exactly also where beginnings have to be laid out, as in large problems."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest

from tests.worker.partitioning import planner_cases as cases
from worker.partitioning.planner import labels, within
from worker.partitioning.planner.asking import best

WHOLE = ("share", "bytes in all", "joules in all")
BESIDE = ("seconds", "memory", "input stays", "runs not in")


@pytest.fixture
def always_laid_out(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No plan is listed before, and beginnings are held against each other at every block."""
    monkeypatch.setattr(within, "LISTED", 0)
    monkeypatch.setattr(labels, "GROWTH", 0)
    monkeypatch.setattr(labels, "FEWEST", 0)
    yield


@pytest.mark.usefixtures("always_laid_out")
@pytest.mark.parametrize("has_ties", [False, True])
@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("seed", range(25))
def test_one_budget(seed: int, kind: str, has_ties: bool) -> None:
    given = cases.problem(700 + seed, has_ties=has_ties)
    asked = [cases.asked(given, seed)[kind]]
    assert best(given, asked) == sorted(cases.kept(given, asked), key=lambda plan: round(plan.latency_s, 9))[:10]


@pytest.mark.usefixtures("always_laid_out")
@pytest.mark.parametrize("kinds", [*combinations(WHOLE, 2), WHOLE, *((one, other) for one in WHOLE for other in BESIDE)])
@pytest.mark.parametrize("seed", range(8))
def test_several_budgets_and_limits_of_single_runs(seed: int, kinds: tuple[str, ...]) -> None:
    given = cases.problem(800 + seed)
    every = cases.asked(given, seed)
    asked = [every[kind] for kind in kinds]
    assert best(given, asked, count=3) == sorted(cases.kept(given, asked), key=lambda plan: round(plan.latency_s, 9))[:3]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_let_go_that_few_others_beat(seed: int) -> None:
    chance = np.random.default_rng(seed)
    sums, place = chance.integers(0, 6, (2, 60)), chance.integers(0, 3, 60)
    until = np.full(60, 9) if seed % 2 else chance.integers(5, 9, 60)
    for count in (1, 3, 10):
        beaten_by = [sum(place[a] == place[b] and sums[0, a] < sums[0, b] and sums[1, a] <= sums[1, b] and until[a] >= until[b]
                         for a in range(60)) for b in range(60)]
        found = set(labels.unbeaten(sums, place, until, count).tolist())
        assert {b for b in range(60) if beaten_by[b] < count} <= found
        assert all(_still_beaten(b, found, sums, place, until) >= count for b in set(range(60)) - found)


def _still_beaten(b: int, found: set[int], sums: np.ndarray, place: np.ndarray, until: np.ndarray) -> int:  # type: ignore[type-arg]
    """By how many of those that are left."""
    return sum(place[a] == place[b] and sums[0, a] < sums[0, b] and sums[1, a] <= sums[1, b] and until[a] >= until[b]
               for a in found)
