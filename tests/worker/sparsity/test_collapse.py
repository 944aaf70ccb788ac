"""Layers that run dry: SynFlow in rounds has none as long as every layer can have a weight; one shot may, and it shows."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import fx, nn

from worker.dnn import architectures
from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.sparsity.masks import Masks, empty_layers, prunable
from worker.sparsity.schedules import exponential, one_shot
from worker.sparsity.scores import magnitude
from worker.sparsity.selection import select
from worker.sparsity.synflow import Flow, masks_of, rounds

SHAPE = (3, 16, 16)


def thin(seed: int) -> fx.GraphModule:
    """Convolutions one behind the other, the middle one much larger than the others; fresh, so its biases are zero."""
    modules = list[nn.Module]()
    for before, after in pairwise([3, 6, 40, 40, 5]):
        modules += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    network = trace(nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)))
    reinitialise(network, seed)
    return network


def masked(network: fx.GraphModule, densities: list[float]) -> Masks:
    flow = Flow(network, prunable(network, classifier=True), SHAPE)
    *_, living = rounds(flow, densities)
    return masks_of(flow, living)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_rounds_every_layer_keeps_a_weight_up_to_the_highest_compression_there_is(seed: int) -> None:
    network = thin(seed)
    weights = prunable(network, classifier=True)
    whole = sum(weight.numel() for weight in weights.values())
    for left in (whole // 10, whole // 100, 40, 2 * len(weights), len(weights)):
        masks = masked(network, exponential(left / whole, 100))
        assert sum(int(mask.sum()) for mask in masks.values()) == left
        assert empty_layers(masks) == []
    assert all(int(mask.sum()) == 1 for mask in masks.values())


def test_what_is_left_at_the_highest_compression_is_one_path_from_end_to_end() -> None:
    network = thin(1)
    weights = prunable(network, classifier=True)
    masks = masked(network, exponential(len(weights) / sum(weight.numel() for weight in weights.values()), 100))
    places = [mask.nonzero()[0].tolist() for mask in masks.values()]
    assert all(later[1] == earlier[0] for earlier, later in pairwise(places))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_one_shot_layers_run_dry_and_are_named(seed: int) -> None:
    network = thin(seed)
    weights = prunable(network, classifier=True)
    density = 40 / sum(weight.numel() for weight in weights.values())
    assert empty_layers(masked(network, one_shot(density))) and empty_layers(select(magnitude(weights), density=density))


def test_no_layer_of_a_deep_network_runs_dry_either() -> None:
    network = architectures.build("vgg16", width=0.125, seed=1)
    flow = Flow(network, prunable(network), (3, 32, 32))
    *_, living = rounds(flow, exponential(0.001, 100))
    masks = masks_of(flow, living)
    assert empty_layers(masks) == [] and torch.stack([mask.sum() for mask in masks.values()]).sum() == living.count
