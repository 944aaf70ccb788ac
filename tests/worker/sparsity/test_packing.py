"""A packed level is small and comes back bit by bit."""

from __future__ import annotations

import torch

from worker.dnn import architectures
from worker.sparsity.masking import Masking
from worker.sparsity.masks import prunable
from worker.sparsity.packing import pack, unpack
from worker.sparsity.scores import magnitude
from worker.sparsity.selection import select


def test_a_masked_network_comes_back_with_its_masks() -> None:
    network = architectures.build("resnet20", 10, (3, 16, 16), seed=3)
    masks = select(magnitude(prunable(network)), density=0.1)
    Masking(network, masks)
    state, found = unpack(pack(network.state_dict(), masks), network.state_dict())
    assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())
    assert masks.keys() == found.keys() and all(torch.equal(masks[name], found[name]) for name in masks)


def test_a_survivor_that_is_zero_is_still_a_survivor() -> None:
    network = architectures.build("lenet5", 10, (1, 8, 8), seed=3)
    weights = prunable(network)
    masks = select(magnitude(weights), density=0.5)
    name = next(iter(masks))
    with torch.no_grad():
        weights[name].zero_()
    assert torch.equal(unpack(pack(network.state_dict(), masks), network.state_dict())[1][name], masks[name])


def test_what_is_pruned_takes_a_bit_and_not_a_number() -> None:
    network = architectures.build("vgg11", 10, (3, 32, 32), seed=3)
    whole = len(pack(network.state_dict(), {}))
    masks = select(magnitude(prunable(network)), density=0.01)
    assert len(pack(network.state_dict(), masks)) < whole / 15
