"""Every network flows: whatever its layers are, scores are finite, nothing is negative and nothing is squared on the way."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, fx, nn

from tests.worker.sparsity.networks import drawn
from worker.dnn import architectures, layers
from worker.dnn.form import trace
from worker.sparsity.flowing import bends, flowing
from worker.sparsity.masks import prunable
from worker.sparsity.synflow import synflow


@pytest.mark.parametrize("name", architectures.names())
def test_each_architecture_of_the_house_has_a_flow_through_every_layer(name: str) -> None:
    network = architectures.build(name, width=0.25, seed=1)
    scores = synflow(network, prunable(network), (3, 32, 32))
    assert all(bool(score.isfinite().all()) and float(score.min()) >= 0 and bool(score.any()) for score in scores.values())


class Gate(nn.Module):
    """A gate and what it gates, between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.gate, self.bend = nn.Linear(3, 4, False), nn.Linear(4, 4, False), nn.Sigmoid()
        self.last = nn.Linear(4, 2, False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.flatten(1))
        return self.last(x * self.bend(self.gate(x)))


def carried(module: nn.Module, shape: tuple[int, ...]) -> dict[str, float]:
    network = drawn(module, 1)
    return {name: float(score.sum()) for name, score in synflow(network, prunable(network, classifier=True), shape).items()}


def test_a_gate_and_what_it_gates_carry_half_of_the_flow_each() -> None:
    found = carried(Gate(), (3, 1, 1))
    assert found["first"] == pytest.approx(found["last"])
    assert found["gate"] == pytest.approx(found["last"] / 2)


def test_a_gate_with_nothing_left_stops_the_flow_without_breaking_it() -> None:
    network = drawn(Gate(), 1)
    with torch.no_grad():
        network.get_parameter("gate.weight").zero_()
    found = synflow(network, prunable(network), (3, 1, 1))
    assert all(not bool(score.any()) for score in found.values())


NORMS = (nn.GroupNorm(2, 4, affine=True), nn.GroupNorm(2, 4, affine=False), nn.InstanceNorm2d(4, affine=True),
         nn.LayerNorm([4, 4, 4]), nn.LayerNorm([4, 4, 4], elementwise_affine=False), nn.LocalResponseNorm(2),
         nn.BatchNorm2d(4, track_running_stats=False))
BENDING = (nn.ReLU6(), nn.Hardswish(), nn.SiLU(), nn.GELU(), nn.Tanh(), nn.Sigmoid(), nn.ELU(), nn.Softmax(1), layers.Power(2.0),
           layers.Clamp(0.0, 1.0), layers.Pointwise("exp"))


@pytest.mark.parametrize("norm", NORMS, ids=lambda norm: type(norm).__name__)
def test_a_norm_does_not_hold_the_flow_constant(norm: nn.Module) -> None:
    network = drawn(nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), norm, nn.ReLU(), nn.Flatten(), nn.Linear(64, 3, False)), 2)
    for name, parameter in network.named_parameters():
        if name == "1.bias":
            nn.init.zeros_(parameter)
    flow = {name: float(score.sum()) for name, score in synflow(network, prunable(network, classifier=True), (2, 6, 6)).items()}
    assert flow["0"] == pytest.approx(flow["4"]) and flow["0"] > 0


@pytest.mark.parametrize("kind", BENDING, ids=lambda kind: type(kind).__name__)
def test_an_activation_neither_bends_nor_saturates_the_flow(kind: nn.Module) -> None:
    scaled = []
    for size in (1.0, 1000.0):
        network = drawn(nn.Sequential(nn.Flatten(), nn.Linear(3, 5, False), kind, nn.Linear(5, 2, False)), 3)
        with torch.no_grad():
            network.get_parameter("1.weight").mul_(size)
        scaled.append(synflow(network, ["1"], (3, 1, 1))["1"])
    assert torch.allclose(scaled[1], 1000 * scaled[0], rtol=1e-12)


def test_for_rectifiers_the_flowing_twin_is_the_network_of_absolute_weights() -> None:
    network = architectures.build("vgg11", width=0.25, seed=1).double().eval()
    ones = torch.ones(1, 3, 32, 32, dtype=torch.float64)
    twin = flowing(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    assert torch.allclose(network(ones), twin.double()(ones), rtol=1e-12)


def test_kinds_that_flow_otherwise_than_they_compute_are_named() -> None:
    assert bends(architectures.build("resnet20", seed=1)) == []
    assert bends(architectures.build("mobilenet_v3_small", width=0.25, seed=1)) == ["Hardsigmoid", "Hardswish"]
    assert bends(trace(nn.Sequential(nn.Conv2d(1, 2, 1), nn.GroupNorm(1, 2)))) == ["GroupNorm"]


class Minus(nn.Module):
    """A difference of two branches, and a quotient."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.last = nn.Linear(2, 3, False), nn.Linear(2, 3, False), nn.Linear(3, 1, False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        left, right = self.a(x), self.b(x)
        return self.last((left - right) / right)


def test_differences_and_quotients_let_the_flow_through() -> None:
    found = carried(Minus(), (2, 1, 1))
    assert found["a"] + found["b"] == pytest.approx(found["last"]) and min(found.values()) > 0


class Attention(nn.Module):
    """What attends to what, and a sum of it."""

    def __init__(self) -> None:
        super().__init__()
        self.turn, self.sharp = layers.Permute((0, 2, 1)), nn.Softmax(2)
        self.q, self.v = nn.Linear(4, 4, False), nn.Linear(4, 4, False)
        self.last = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, False))

    def forward(self, x: Tensor) -> Tensor:
        q = self.q(x)
        return self.last(torch.matmul(self.sharp(torch.matmul(q, self.turn(q))), self.v(x)))


def test_attention_lets_the_flow_through_and_squares_nothing() -> None:
    network: fx.GraphModule = drawn(Attention(), 1)
    found = synflow(network, prunable(network, classifier=True), (3, 4))
    flow = {name: float(score.sum()) for name, score in found.items()}
    assert flow["q"] + flow["v"] == pytest.approx(flow["last.1"])
