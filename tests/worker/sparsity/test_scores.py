"""Scores rank weights; what may be ranked is convolutions and linear layers."""

from __future__ import annotations

import torch

from worker.dnn import architectures
from worker.sparsity.masks import prunable
from worker.sparsity.scores import magnitude, random


def test_magnitude_is_the_absolute_weight() -> None:
    assert magnitude({"a": torch.tensor([-3.0, 1.0])})["a"].tolist() == [3.0, 1.0]


def test_the_lot_depends_on_seed_and_layer_only() -> None:
    weights = {"a": torch.zeros(50), "b": torch.zeros(50)}
    first, alone, other = random(weights, 7), random({"b": weights["b"]}, 7), random(weights, 8)
    assert torch.equal(first["b"], alone["b"])
    assert not torch.equal(first["a"], first["b"])
    assert not torch.equal(first["a"], other["a"])


def test_the_classifier_biases_and_batch_norm_are_not_prunable() -> None:
    network = architectures.build("vgg11", seed=1)
    found = prunable(network)
    everything = prunable(network, classifier=True)
    assert all(weight.ndim >= 2 for weight in everything.values())
    assert len(everything) == len(found) + 1


def test_linear_layers_can_be_left_out() -> None:
    assert all(weight.ndim == 4 for weight in prunable(architectures.build("lenet5", seed=1), linear=False).values())
