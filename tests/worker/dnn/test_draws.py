"""Other draws than Kaiming's have the spread that they are named after."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from worker.dnn.form import trace
from worker.dnn.initialisation import ALIKE, Drawn, reinitialise

LAYERS: dict[str, nn.Module] = {
    "conv": nn.Conv2d(64, 96, 3), "grouped": nn.Conv2d(64, 96, 3, groups=4), "linear": nn.Linear(300, 200),
    "transposed": nn.ConvTranspose2d(64, 96, 3),
}
XAVIER = {"conv": 2 / (64 * 9 + 96 * 9), "grouped": 2 / (16 * 9 + 24 * 9), "linear": 2 / 500, "transposed": 2 / (64 * 9 + 96 * 9)}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("drawn", ["xavier_normal", "normal"])
def test_the_spread_of_normal_draws(name: str, drawn: Drawn) -> None:
    layer = LAYERS[name]
    reinitialise(trace(nn.Sequential(layer)), 1, drawn=drawn)
    expected = math.sqrt(XAVIER[name]) if drawn == "xavier_normal" else ALIKE
    assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.02)
    assert not layer.bias.any()


def test_orthogonal_rows_are_at_right_angles() -> None:
    layer = nn.Linear(30, 20)
    reinitialise(trace(nn.Sequential(layer)), 1, drawn="orthogonal")
    rows = layer.weight.detach()
    assert torch.allclose(rows @ rows.T, 2 * torch.eye(20), atol=1e-5)


@pytest.mark.parametrize("drawn", ["kaiming_normal", "xavier_normal", "orthogonal", "normal"])
def test_a_seed_says_all(drawn: Drawn) -> None:
    found = []
    for _ in range(2):
        layer = nn.Conv2d(4, 6, 3)
        reinitialise(trace(nn.Sequential(layer)), 5, drawn=drawn)
        found.append(layer.weight.detach().clone())
    assert torch.equal(*found)
