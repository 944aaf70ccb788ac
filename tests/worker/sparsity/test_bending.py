"""Layers that bend give what torch's own give: forwards, backwards, and backwards through that."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.worker.sparsity.networks import chain, drawn, images, same_masks
from worker.sparsity.bending import Bending, Folding, Gate, bending
from worker.sparsity.gradients import scoring

CASES = {"images": (nn.BatchNorm2d(3), (4, 3, 5, 5)), "numbers": (nn.BatchNorm1d(3), (6, 3)),
         "signals": (nn.BatchNorm1d(3), (4, 3, 7)), "without affine": (nn.BatchNorm2d(3, affine=False), (4, 3, 5, 5)),
         "a large eps": (nn.BatchNorm2d(3, eps=0.3), (4, 3, 5, 5))}

CONVOLUTIONS = {"with bias": nn.Conv2d(2, 3, 3), "strided": nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False),
                "dilated": nn.Conv2d(2, 3, (3, 2), dilation=2, padding=(2, 1)), "grouped": nn.Conv2d(4, 6, 3, groups=2),
                "depthwise": nn.Conv2d(3, 3, 3, padding=1, groups=3), "pointwise": nn.Conv2d(3, 2, 1, stride=2)}


@pytest.mark.parametrize("conv", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
@pytest.mark.parametrize("inner", [True, False], ids=["inside a network", "on the images themselves"])
def test_a_convolution_bends_by_its_weights_and_by_what_goes_in(conv: nn.Conv2d, inner: bool) -> None:
    cheap = Folding(conv.double())
    x = torch.randn(2, conv.in_channels, 6, 5, dtype=torch.float64, requires_grad=inner)

    def way(x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        return cheap(x)

    assert torch.equal(cheap(x), conv(x))
    given = (x, *conv.parameters())
    assert torch.autograd.gradcheck(way, given) and torch.autograd.gradgradcheck(way, given)


@pytest.mark.parametrize(("norm", "shape"), CASES.values(), ids=CASES)
def test_both_derivatives_are_those_of_differences(norm: nn.Module, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(1)
    cheap = Bending(norm.double().train())  # type: ignore[arg-type]
    x = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.normal_(1, 0.5, generator=generator)
    assert torch.allclose(cheap(x), norm(x), rtol=1e-10)
    assert torch.autograd.gradcheck(cheap, (x,)) and torch.autograd.gradgradcheck(cheap, (x,))


def test_a_hard_sigmoid_that_bends_is_the_hard_sigmoid_on_both_sides_of_its_kinks() -> None:
    x = torch.tensor([-7, -3.01, -2.99, -1, 0, 1, 2.99, 3.01, 7], dtype=torch.float64, requires_grad=True)
    ours, torchs = Gate()(x), nn.Hardsigmoid()(x)
    assert torch.allclose(ours, torchs, rtol=1e-12)
    assert torch.allclose(*(torch.autograd.grad(way.sum(), x)[0] for way in (ours, torchs)), rtol=1e-12)
    assert torch.autograd.gradgradcheck(Gate(), (x,))


@pytest.mark.parametrize("part", ["0", "4", "9"])
def test_a_network_bends_as_it_does_with_batch_norm_of_torch(part: str) -> None:
    network, (some, labels) = chain(bias=True), images()
    found = []
    with scoring(network):
        for way in (network, bending(network)):
            weight = network.get_parameter(f"{part}.weight")
            gradient, = torch.autograd.grad(nn.functional.cross_entropy(way(some), labels), weight, create_graph=True)
            found += torch.autograd.grad(gradient.square().sum(), weight)
    assert torch.allclose(*found, rtol=1e-9, atol=1e-15)


def test_the_twin_has_the_networks_own_weights_and_leaves_its_layers_and_statistics() -> None:
    network = drawn(nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)), 1).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    twin = bending(network)
    twin(images()[0])
    assert twin.get_parameter("0.conv.weight") is network.get_parameter("0.weight")
    assert type(network.get_submodule("1")) is nn.BatchNorm2d and same_masks(before, network.state_dict())
