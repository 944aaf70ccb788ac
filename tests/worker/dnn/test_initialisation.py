"""Fresh weights keep signals as they are, whatever the layer."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.dnn.layers import Scale, Shift

# Layers, and a sample that each takes.
WEIGHTED: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "conv1d": (nn.Conv1d(24, 30, 5), (24, 40)),
    "conv2d": (nn.Conv2d(12, 30, 3, dilation=2), (12, 14, 14)),
    "grouped": (nn.Conv2d(12, 32, 3, groups=4), (12, 14, 14)),
    "depthwise": (nn.Conv2d(64, 64, 3, groups=64), (64, 14, 14)),
    "transposed1d": (nn.ConvTranspose1d(24, 30, 6, stride=3, padding=3), (24, 20)),
    "transposed2d": (nn.ConvTranspose2d(12, 30, 4, stride=2, padding=3, groups=2), (12, 14, 14)),
    "linear": (nn.Linear(200, 150), (200,)),
    "linear at every place": (nn.Linear(60, 50), (7, 60)),
}
PLAIN: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "batch": (nn.BatchNorm2d(6), (6, 4, 4)), "instance": (nn.InstanceNorm2d(6, affine=True), (6, 4, 4)),
    "group": (nn.GroupNorm(2, 6), (6, 4, 4)), "layer": (nn.LayerNorm(6), (4, 6)), "prelu": (nn.PReLU(6), (6, 4, 4)),
    "scale": (Scale((6, 1, 1)), (6, 4, 4)), "shift": (Shift((6, 1, 1)), (6, 4, 4)),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_what_comes_out_varies_twice_as_much_as_what_went_in(name: str) -> None:
    """Twice, because a rectifier behind it takes half of that."""
    layer, shape = WEIGHTED[name]
    reinitialise(trace(nn.Sequential(layer)), 1)
    assert layer(torch.randn(200, *shape)).detach().var() == pytest.approx(2, rel=0.1)
    assert layer.bias is not None and not layer.bias.any()


@pytest.mark.parametrize("name", PLAIN)
def test_norms_and_scales_are_as_new(name: str) -> None:
    layer, _ = PLAIN[name]
    expected = {key: tensor.clone() for key, tensor in copy.deepcopy(layer).state_dict().items()}
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(1)
    reinitialise(trace(nn.Sequential(layer)), 1)
    assert all(torch.equal(tensor, expected[key]) for key, tensor in layer.state_dict().items())


@pytest.mark.parametrize("name", [*WEIGHTED, *PLAIN])
def test_a_seed_says_all(name: str) -> None:
    layer, _ = (WEIGHTED | PLAIN)[name]
    network = trace(nn.Sequential(layer))

    def drawn(seed: int) -> dict[str, Tensor]:
        torch.rand(3)
        reinitialise(network, seed)
        return {key: tensor.clone() for key, tensor in network.state_dict().items()}

    one, other = drawn(5), drawn(5)
    assert all(torch.equal(one[key], other[key]) for key in one)
