"""A masked network stays masked, whatever the optimiser does."""

from __future__ import annotations

import copy

import torch

from worker.dnn import architectures
from worker.dnn.surgery import apply_masks
from worker.sparsity.masking import Masking
from worker.sparsity.masks import by_parameter, prunable
from worker.sparsity.scores import magnitude
from worker.sparsity.selection import select


def masked_network() -> tuple[torch.fx.GraphModule, dict[str, torch.Tensor]]:
    network = architectures.build("vgg11", width=0.125, seed=3)
    masks = select(magnitude(prunable(network)), density=0.1)
    dead = next(name for name, mask in masks.items() if mask.ndim == 4 and mask.shape[0] > 8)
    masks[dead][:5] = False
    return network, masks


def step(network: torch.fx.GraphModule, masking: Masking, times: int = 4) -> None:
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(times):
        optimiser.zero_grad()
        network(torch.randn(8, 3, 32, 32)).square().sum().backward()
        masking.hold()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        masking.hold()


def test_pruned_weights_stay_zero_after_steps_with_momentum_and_decay() -> None:
    network, masks = masked_network()
    step(network, Masking(network, masks))
    for name, weight in prunable(network).items():
        assert not bool(weight[~masks[name]].any())


def test_living_weights_move() -> None:
    network, masks = masked_network()
    before = {name: weight.detach().clone() for name, weight in prunable(network).items()}
    step(network, Masking(network, masks))
    assert all(not torch.equal(before[name], weight) for name, weight in prunable(network).items() if masks[name].any())


def test_the_trained_network_is_what_masking_it_once_more_gives() -> None:
    network, masks = masked_network()
    step(network, Masking(network, masks))
    images = torch.randn(4, 3, 32, 32)
    again = apply_masks(copy.deepcopy(network).eval(), by_parameter(masks))
    assert torch.equal(network.eval()(images), again.eval()(images))


def test_what_is_pruned_does_not_shorten_the_gradients_of_the_rest() -> None:
    network, masks = masked_network()
    masking = Masking(network, masks)
    network(torch.randn(8, 3, 32, 32)).square().sum().backward()
    living = {name: weight.grad[masks[name]].clone() for name, weight in prunable(network).items() if weight.grad is not None}
    masking.hold()
    assert len(living) == len(masks)
    for name, weight in prunable(network).items():
        assert weight.grad is not None and not bool(weight.grad[~masks[name]].any())
        assert torch.equal(weight.grad[masks[name]], living[name])
