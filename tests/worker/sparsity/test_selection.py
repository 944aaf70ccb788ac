"""Selection keeps exactly what is asked, the best first."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from worker.sparsity.masks import Masks, densities, everything
from worker.sparsity.selection import keep_best, select


def layers(seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {"a": torch.rand(7, 11, generator=generator), "b": torch.rand(130, generator=generator)}


def kept(masks: Masks) -> int:
    return sum(int(mask.sum()) for mask in masks.values())


@pytest.mark.parametrize("density", [0.0, 0.001, 0.125, 0.5, 0.9999, 1.0])
def test_the_count_is_exact(density: float) -> None:
    assert kept(select(layers(), density=density)) == round(density * (77 + 130))


def test_every_kept_score_is_at_least_every_pruned_one() -> None:
    scores = layers()
    masks = select(scores, density=0.3)
    flat, mask = (torch.cat([part[name].flatten() for name in scores]) for part in (scores, masks))
    assert flat[mask].min() >= flat[~mask].max()


def test_the_count_is_exact_among_ties_and_the_lower_position_wins() -> None:
    scores = {"a": torch.tensor([1.0, 2.0, 2.0, 2.0, 3.0]), "b": torch.tensor([2.0, 2.0])}
    masks = select(scores, density=3 / 7)
    assert masks["a"].tolist() == [False, True, True, False, True]
    assert masks["b"].tolist() == [False, False]


def test_zeros_are_pruned_first_and_by_position() -> None:
    scores = {"a": torch.tensor([0.0, 0.0, 5.0, 0.0, 1.0])}
    assert select(scores, density=0.6)["a"].tolist() == [True, False, True, False, True]


def test_a_pruned_weight_never_comes_back() -> None:
    first = select(layers(1), density=0.5)
    second = select(layers(2), first, density=0.25)
    assert all(not bool((second[name] & ~first[name]).any()) for name in first)
    assert kept(second) == round(0.25 * 207)


def test_local_scope_keeps_the_same_part_of_every_layer() -> None:
    found = densities(select(layers(), density=0.4, scope="local"))
    assert all(abs(left - 0.4) < 0.01 for left in found.values())


def test_it_is_deterministic() -> None:
    one, two = (select(layers(), density=0.33) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_it_refuses_a_score_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="not a number"):
        select({"a": torch.tensor([1.0, float("nan")])}, density=0.5)


def test_a_buffer_full_of_dead_zeros_costs_no_more_than_a_full_one() -> None:
    import time

    rng = np.random.default_rng(0)
    scores = rng.random(400_000)
    dead = scores * (rng.random(400_000) < 0.02)
    spent = []
    for buffer in (scores, dead):
        begun = time.process_time()
        keep_best(buffer, np.ones(buffer.shape, dtype=bool), 3_000)
        spent.append(time.process_time() - begun)
    assert spent[1] < 4 * spent[0] + 0.02


def test_everything_is_kept_when_nothing_is_masked() -> None:
    assert densities(everything(layers())) == {"a": 1.0, "b": 1.0}


def ranked(scores: np.ndarray, alive: np.ndarray, count: int) -> np.ndarray:
    """By sorting everything: the living first, the higher first, the lower position first."""
    order = np.lexsort((np.arange(len(scores)), -scores, ~alive))
    kept = np.zeros(len(scores), dtype=bool)
    kept[order[:count]] = True
    return kept & alive


@pytest.mark.parametrize("kind", ["all different", "ties", "mostly zeros", "one value", "huge and tiny", "signed"])
@pytest.mark.parametrize("part", [0.0005, 0.03, 0.5, 0.97, 0.9999])
def test_in_a_large_buffer_it_keeps_what_sorting_everything_would(kind: str, part: float) -> None:
    rng, size = np.random.default_rng(2), 400_000
    scores = {
        "all different": lambda: rng.random(size), "ties": lambda: rng.integers(0, 9, size).astype(float),
        "mostly zeros": lambda: rng.random(size) * (rng.random(size) < 0.1), "one value": lambda: np.ones(size),
        "huge and tiny": lambda: 10.0 ** rng.uniform(-300, 300, size), "signed": lambda: rng.normal(size=size),
    }[kind]()
    for alive in (np.ones(size, dtype=bool), rng.random(size) < 0.8):
        count = int(part * alive.sum())
        assert np.array_equal(keep_best(scores, alive, count), ranked(scores, alive, count))
