"""Reconvene's evaluator and width rule, as formulas, and what they come to on VGG-16."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from worker.dnn import architectures
from worker.pruning.narrowing import strongest, width
from worker.pruning.sensitivity import Sensitivity, evaluate
from worker.sparsity.masks import prunable
from worker.sparsity.scores import magnitude
from worker.sparsity.selection import select

# The convolutions of VGG-16 for images of 32x32, in their order: inputs and outputs.
VGG16 = ((3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256), (256, 512), *[(512, 512)] * 5)
CLASSES = 10
# Pruning degree, sparsity of convolutions 1, 2-3, 4-5, 6-8 and 9-13, their mean, the first insensitive one, times smaller.
GRID = [
    (0.5, (0.044, 0.203, 0.284, 0.393, 0.532), 0.374, 6, 3.4),
    (0.75, (0.076, 0.342, 0.469, 0.624, 0.790), 0.578, 6, 9.0),
    (0.875, (0.103, 0.451, 0.604, 0.770, 0.910), 0.698, 6, 16.1),
    (0.9375, (0.128, 0.543, 0.708, 0.863, 0.965), 0.773, 6, 21.2),
    (0.96875, (0.152, 0.625, 0.790, 0.924, 0.988), 0.822, 6, 23.8),
    (0.99219, (0.204, 0.769, 0.909, 0.983, 0.999), 0.885, 4, 112),
]


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
    judged = evaluate({str(number): mask(7, 72) for number in range(layers)})
    assert judged.alike and not judged.insensitive


@pytest.mark.parametrize("seed", range(20))
def test_neither_has_one_whose_layers_differ_by_chance(seed: int) -> None:
    lots = torch.Generator().manual_seed(seed)
    judged = evaluate(select({str(size): torch.rand(8, size, generator=lots) for size in (90, 900, 9000)}, density=0.125))
    assert len(set(judged.sparsity.values())) == 3
    assert judged.alike and not judged.insensitive


def test_one_layer_that_stands_out_of_chance_is_enough() -> None:
    judged = evaluate({"a": mask(800, 8000), "b": mask(800, 8000), "c": mask(600, 8000)})
    assert judged.insensitive == {"c"}


@pytest.mark.parametrize(("kept", "asked"), [(64, 8), (63, 8), (57, 8), (56, 7), (1, 1), (0, 0)])
def test_the_width_is_the_density_times_the_channels_rounded_up(kept: int, asked: int) -> None:
    assert width(mask(kept)) == asked


@pytest.mark.parametrize(("kept", "asked"), [(64, 8), (63, 8), (49, 7), (50, 8), (16, 4), (17, 5), (1, 1), (0, 0)])
def test_or_its_square_root(kept: int, asked: int) -> None:
    assert width(mask(kept), "root_of_density") == asked


def test_the_strongest_channels_stay_and_ties_go_to_the_lower_one() -> None:
    assert strongest(np.array([9.0, 1.0, 2.0, 2.0, 5.0]), np.array([1, 2, 3, 4]), 2).tolist() == [4, 2]


def test_sampled_sparsity_follows_the_closed_form() -> None:
    weights = prunable(architectures.build("vgg16", seed=7), linear=False)
    for degree, expected in ((degree, Expected(degree)) for degree, *_ in GRID):
        found = evaluate(select(magnitude(weights), density=1 - degree)).sparsity
        for weight, sampled, closed in zip(weights.values(), found.values(), expected.sparsity, strict=True):
            if weight.numel() > 10_000:
                assert sampled == pytest.approx(closed, abs=0.01)


@dataclass(frozen=True)
class Expected:
    """What Kaiming's draw makes of VGG-16 under global magnitude pruning, without a draw: an error function a layer."""

    degree: float

    @property
    def sparsity(self) -> list[float]:
        limit = self._limit()
        return [self._zeros(limit, inputs) for inputs, _ in VGG16]

    @property
    def mean(self) -> float:
        return sum(self.sparsity) / len(VGG16)

    def times_smaller(self, average: float) -> float:
        """With ceil((1 - s) C) channels in each layer that is sparser than the average, the others as they are."""
        widths = [math.ceil((1 - zeros) * after) if zeros > average else after
                  for zeros, (_, after) in zip(self.sparsity, VGG16, strict=True)]
        return _params([after for _, after in VGG16]) / _params(widths)

    def _limit(self) -> float:
        low, high = 0.0, 2.0
        total = sum(inputs * after for inputs, after in VGG16)
        for _ in range(60):
            middle = (low + high) / 2
            zeros = sum(inputs * after * self._zeros(middle, inputs) for inputs, after in VGG16) / total
            low, high = (middle, high) if zeros < self.degree else (low, middle)
        return low

    @staticmethod
    def _zeros(limit: float, inputs: int) -> float:
        return math.erf(limit / (math.sqrt(2 / (9 * inputs)) * math.sqrt(2)))


def _params(widths: list[int]) -> int:
    """Convolutions with biases, batch-norm, and the classifier."""
    before = [3, *widths[:-1]]
    return sum(9 * one * other + 3 * other for one, other in zip(before, widths, strict=True)) + (widths[-1] + 1) * CLASSES


@pytest.mark.parametrize(("degree", "sparsity", "mean", "first", "times"), GRID)
def test_the_table_of_vgg16(degree: float, sparsity: tuple[float, ...], mean: float, first: int, times: float) -> None:
    expected = Expected(degree)
    assert tuple(round(expected.sparsity[number - 1], 3) for number in (1, 2, 4, 6, 9)) == sparsity
    assert round(expected.mean, 3) == mean
    assert [zeros > expected.mean for zeros in expected.sparsity] == [number >= first for number in range(1, 14)]
    assert expected.times_smaller(expected.mean) == pytest.approx(times, abs=0.05 if times < 100 else 0.5)


def test_held_against_all_weights_vgg16_never_gets_more_than_five_times_smaller() -> None:
    degrees = [*(degree for degree, *_ in GRID), 0.99609]
    for degree in degrees:
        assert [zeros > degree for zeros in Expected(degree).sparsity] == [number >= 9 for number in range(1, 14)]
    assert round(max(Expected(degree).times_smaller(degree) for degree in degrees), 2) == 5.04


def test_at_initialisation_no_filter_is_empty() -> None:
    masks = select(magnitude(prunable(architectures.build("vgg16", seed=7), linear=False)), density=1 - 0.96875)
    assert all(bool(each.flatten(1).any(1).all()) for each in masks.values())


def test_what_is_said_of_a_layer_is_its_own_sparsity() -> None:
    judged = evaluate({"a": mask(16), "b": mask(48)})
    assert isinstance(judged, Sensitivity) and judged.sparsity == {"a": 0.75, "b": 0.25}
