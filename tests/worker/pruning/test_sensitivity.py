"""Reconvene's evaluator and width rule, as formulas."""

from __future__ import annotations

import math

import pytest
import torch

from worker.dnn import architectures
from worker.pruning.reconvene import evaluate, strongest, width
from worker.sparsity.masks import prunable
from worker.sparsity.scores import magnitude
from worker.sparsity.selection import select


def mask(kept: int, total: int = 64) -> torch.Tensor:
    return (torch.arange(total) < kept).reshape(8, -1)


def test_a_layer_with_more_zeros_than_the_mean_of_layers_is_insensitive() -> None:
    judged = evaluate({"a": mask(60), "b": mask(30), "c": mask(5)})
    assert judged.average == pytest.approx(1 - (60 + 30 + 5) / 192)
    assert judged.insensitive == {"b", "c"}


def test_the_mean_can_be_weighted_by_parameters() -> None:
    judged = evaluate({"a": mask(60), "c": mask(8, 640)}, "param_weighted")
    assert judged.average == pytest.approx(1 - 68 / 704)


@pytest.mark.parametrize("layers", range(2, 30))
def test_a_uniform_network_has_nothing_to_prune(layers: int) -> None:
    assert not evaluate({str(number): mask(7, 72) for number in range(layers)}).insensitive


@pytest.mark.parametrize(("kept", "asked"), [(64, 8), (63, 8), (57, 8), (56, 7), (1, 1), (0, 1)])
def test_the_width_is_the_density_times_the_channels_rounded_up(kept: int, asked: int) -> None:
    assert width(mask(kept)) == asked


def test_widths_can_be_multiples_but_never_wider_than_the_layer() -> None:
    assert width(mask(20), round_to=4) == 4
    assert width(mask(40), round_to=3) == 6
    assert width(mask(64), round_to=5) == 8
    assert width(mask(1), min_channels=3) == 3


def test_the_strongest_channels_stay_and_ties_go_to_the_lower_index() -> None:
    weight = torch.tensor([[1.0, 9.0], [2.0, 0.0], [2.0, 9.0], [5.0, 0.0]])
    seen = torch.tensor([[True, False]]).expand(4, 2)
    assert strongest(weight, seen, 2).tolist() == [1, 3]


def test_sampled_sparsity_follows_the_closed_form() -> None:
    weights = prunable(architectures.build("vgg16", seed=7), linear=False)
    found = evaluate(select(magnitude(weights), density=0.125)).sparsity
    limit = _limit({name: weight.shape[1:].numel() for name, weight in weights.items()},
                   {name: weight.numel() for name, weight in weights.items()}, 0.875)
    for name, weight in weights.items():
        if weight.numel() > 10_000:
            assert found[name] == pytest.approx(_closed(limit, weight.shape[1:].numel()), abs=0.01)


def _closed(limit: float, fan_in: int) -> float:
    return math.erf(limit / (math.sqrt(2 / fan_in) * math.sqrt(2)))


def _limit(fan_ins: dict[str, int], sizes: dict[str, int], sparsity: float) -> float:
    low, high, total = 0.0, 2.0, sum(sizes.values())
    for _ in range(60):
        middle = (low + high) / 2
        zeros = sum(sizes[name] * _closed(middle, fan_ins[name]) for name in sizes) / total
        low, high = (middle, high) if zeros < sparsity else (low, middle)
    return low
