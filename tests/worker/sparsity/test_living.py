"""The walk through one buffer finds exactly those whom a full ranking would."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from worker.sparsity.living import Living
from worker.sparsity.selection import Flat, keep_best

SIZES = (150_001, 32_768, 7, 200_000)
Draw = Callable[[np.random.Generator, int], Flat]


def tied(lots: np.random.Generator, size: int) -> Flat:
    return lots.integers(0, 6, size).astype(np.float64)


def mostly_nothing(lots: np.random.Generator, size: int) -> Flat:
    return np.where(lots.random(size) < 0.9, 0.0, lots.random(size))


def in_steps(lots: np.random.Generator, size: int) -> Flat:
    """A few layers of quite different sizes of score, in a row."""
    return np.sort(lots.random(size)) * 10.0 ** np.repeat([0, 8, -8, 3], size // 4 + 1)[:size]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("draw", [lambda lots, size: lots.random(size), tied, mostly_nothing, in_steps])
def test_round_after_round_it_keeps_whom_a_full_ranking_keeps(draw: Draw, dtype: type) -> None:
    lots, size = np.random.default_rng(1), sum(SIZES)
    weights = lots.random(size).astype(dtype)
    weights[lots.integers(size, size=500)] = 0
    living, alive = Living(weights.copy(), SIZES), np.ones(size, dtype=bool)
    for part in (0.97, 0.9, 0.5, 0.2, 0.05, 0.04, 0.001):
        gradient = draw(lots, size).astype(dtype)
        dead = living.cut(np.split(gradient, np.cumsum(SIZES)[:-1]), round(part * size))
        alive = keep_best(weights * gradient, alive, round(part * size))
        assert np.array_equal(living.alive, alive) and living.count == alive.sum()
        assert not living.weights[dead].any() and np.array_equal(living.weights != 0, alive & (weights != 0))


def test_a_sample_that_misleads_costs_time_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    lots, size = np.random.default_rng(1), sum(SIZES)
    weights, gradient = lots.random(size), lots.random(size)
    living = Living(weights.copy(), SIZES)
    monkeypatch.setattr("worker.sparsity.living.bracket", lambda sample, part: (0.9, 0.95))
    living.cut(np.split(gradient, np.cumsum(SIZES)[:-1]), size // 2)
    assert np.array_equal(living.alive, keep_best(weights * gradient, np.ones(size, dtype=bool), size // 2))


def test_scores_that_are_no_numbers_are_refused() -> None:
    weights = np.ones(sum(SIZES))
    gradient = np.ones(sum(SIZES))
    gradient[5] = np.nan
    with pytest.raises(ValueError, match="not a number"):
        Living(weights, SIZES).cut(np.split(gradient, np.cumsum(SIZES)[:-1]), 1000)
