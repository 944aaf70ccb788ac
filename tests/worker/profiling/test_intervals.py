"""Intervals of quantiles, against figures that a person can work out with a table of the binomial distribution."""

from __future__ import annotations

import numpy as np
import pytest

from worker.profiling.intervals import interval_ns, ranks
from worker.profiling.stopwatch import median_ranks


def test_of_the_median_they_are_those_of_the_whole_numbers() -> None:
    assert [ranks(n, 0.5) for n in range(1, 300)] == [median_ranks(n) for n in range(1, 300)]


# 0.95^71 = 0.0262 > 0.025 >= 0.95^72 = 0.0249: from 72 samples on the slowest is seldom enough below the 95th percentile.
# 0.99^367 = 0.02501 > 0.025 >= 0.99^368 = 0.02476.
@pytest.mark.parametrize(("n", "q", "found"), [
    (71, 0.95, None), (72, 0.95, (63, 71)), (73, 0.95, (64, 72)), (100, 0.95, (89, 99)),
    (367, 0.99, None), (368, 0.99, (359, 367)), (500, 0.99, (489, 499)), (1000, 0.99, (982, 996)),
    (5, 0.5, None), (6, 0.5, (0, 5)),
])
def test_the_ranks_of_tails_are_those_worked_out_by_hand(n: int, q: float, found: tuple[int, int] | None) -> None:
    assert ranks(n, q) == found


def test_very_many_samples_take_no_time_and_stay_close() -> None:
    low, high = ranks(10_000_000, 0.99) or (0, 0)
    # 1.96 standard deviations: sqrt(10^7 * 0.99 * 0.01) = 314.6 samples.
    assert (low + 1 - 9_900_000, high + 1 - 9_900_000) == (pytest.approx(-617, abs=2), pytest.approx(618, abs=2))


@pytest.mark.parametrize(("n", "q"), [(80, 0.95), (400, 0.99), (40, 0.5)])
def test_they_cover_the_true_quantile_often_enough(n: int, q: float) -> None:
    rng, hits = np.random.default_rng(5), 0
    for _ in range(400):
        low, high = interval_ns(np.sort((rng.exponential(size=n) * 1e9).astype(np.int64)), q) or (0, 0)
        hits += low <= -np.log(1 - q) * 1e9 <= high
    assert hits / 400 > 0.93


def test_too_few_samples_have_none() -> None:
    assert interval_ns(np.arange(10, dtype=np.int64), 0.95) is None
