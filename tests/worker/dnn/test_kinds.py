"""Every kind of layer on the white list: told as data and made again, and its shape told without computing."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from worker.dnn import kinds, layers
from worker.dnn.files import load, save
from worker.dnn.form import from_spec, to_spec, trace
from worker.dnn.shapes import output_shape

ROW, SIGNAL, IMAGE, LAST = (6,), (6, 20), (6, 12, 10), (12, 10, 6)
CASES: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.Conv1d(6, 4, 3, 2, 1, 2), SIGNAL), (nn.Conv1d(6, 6, 5, groups=6), SIGNAL),
    (nn.Conv2d(6, 4, (3, 5), (2, 1), (1, 0), (1, 2)), IMAGE), (nn.Conv2d(6, 9, 3, groups=3, bias=False), IMAGE),
    (nn.ConvTranspose1d(6, 4, 3, 2, 1, 1), SIGNAL), (nn.ConvTranspose2d(6, 4, (3, 2), 2, (1, 0), dilation=2), IMAGE),
    (nn.ConvTranspose2d(6, 6, 4, 2, 1, groups=3), IMAGE),
    (nn.Linear(6, 5), ROW), (nn.Linear(10, 5, bias=False), IMAGE),
    (nn.BatchNorm2d(6), IMAGE), (nn.BatchNorm1d(6), ROW), (nn.BatchNorm1d(6), SIGNAL),
    (nn.InstanceNorm1d(6), SIGNAL), (nn.InstanceNorm2d(6, affine=True), IMAGE), (nn.GroupNorm(3, 6), IMAGE),
    (nn.LayerNorm(6), LAST), (nn.LayerNorm([12, 10]), IMAGE), (nn.LocalResponseNorm(3), IMAGE),
    *((layer, IMAGE) for layer in (
        nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(), nn.PReLU(6), nn.ELU(0.5), nn.CELU(2.0), nn.SELU(), nn.GELU("tanh"),
        nn.SiLU(), nn.Mish(), nn.Softplus(), nn.Softsign(), nn.Hardswish(), nn.Hardsigmoid(), nn.Sigmoid(), nn.Tanh(),
        nn.Softmax(1), nn.LogSoftmax(-1), nn.Dropout(0.3), nn.Identity(), nn.ChannelShuffle(3), nn.Flatten(), nn.Flatten(2),
        nn.Flatten(1, 2), nn.PixelUnshuffle(2), nn.AdaptiveAvgPool2d((3, 2)), nn.AdaptiveMaxPool2d(1), nn.LPPool2d(2, 3, 2),
        nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.MaxPool2d((2, 3), dilation=2), nn.AvgPool2d(3, 2, 1, True, False),
        nn.Upsample(scale_factor=2.0), nn.Upsample(scale_factor=(1.5, 3.0), mode="bilinear", align_corners=False),
        nn.Upsample(size=(7, 9), mode="bicubic", align_corners=True), layers.Affine(0.5, -1.0), layers.Power(2.0),
        layers.Clamp(-1.0, None), layers.Clamp(0.0, 6.0), layers.Scale((6, 1, 1)), layers.Shift((6, 1, 1)), layers.Scale((10,)),
        layers.Reshape((2, 3, -1)), layers.Permute((0, 2, 3, 1)), layers.Slice(1, 1, 5, 2), layers.Slice(3, 2, None),
        layers.Pad((0, 1, 0), (0, 2, 3)), layers.Pad((0, 1, 2), (0, 0, 1), "reflect"),
        layers.Pad((0, 1, 2), (0, 0, 1), "replicate"),
        layers.Pad((1, 0, 0), (2, 0, 0), "constant", 0.5), layers.Pad((0, 0, 1), (0, 1, 0), "constant", -3e38),
        layers.Mean((2, 3)), layers.Mean((-1,), True), layers.Max((1,)), layers.Sum((2, 3), True),
        *(layers.Pointwise(function) for function in layers.POINTWISE),
    )),
    *((layer, SIGNAL) for layer in (
        nn.MaxPool1d(3, 2, 1), nn.AvgPool1d(3, 2, 1, True), nn.AdaptiveAvgPool1d(4), nn.AdaptiveMaxPool1d(1),
        nn.Upsample(scale_factor=2.0),
    )),
    (nn.PixelShuffle(2), (8, 5, 5)),
]
NAMES = [f"{number}-{type(layer).__name__}" for number, (layer, _) in enumerate(CASES)]


def test_every_kind_is_among_the_cases() -> None:
    assert {type(layer) for layer, _ in CASES} == set(kinds.MODULES)


@pytest.mark.parametrize(("layer", "shape"), CASES, ids=NAMES)
def test_the_shape_is_what_torch_computes(layer: nn.Module, shape: tuple[int, ...]) -> None:
    network = trace(nn.Sequential(layer).eval())
    assert output_shape(network, shape) == tuple(layer.eval()(torch.rand(2, *shape)).shape[1:])


@pytest.mark.parametrize(("layer", "shape"), CASES, ids=NAMES)
def test_told_as_data_it_is_made_again(layer: nn.Module, shape: tuple[int, ...], tmp_path) -> None:
    network = trace(nn.Sequential(layer).eval())
    assert to_spec(from_spec(json.loads(json.dumps(to_spec(network))))) == to_spec(network)
    answers = output_shape(network, shape)
    save(network, tmp_path / "one.safetensors", in_shape=shape, classes=answers[0], name="one")
    again = load(tmp_path / "one.safetensors")
    images = torch.rand(2, *shape)
    assert torch.equal(again.network(images).nan_to_num(7), network.eval()(images).nan_to_num(7))


@pytest.mark.parametrize(("layer", "shape"), [
    (layers.Reshape((7, -1)), IMAGE), (layers.Permute((1, 0, 2, 3)), IMAGE), (layers.Slice(4, 0, 1), IMAGE),
    (layers.Mean((1, 1)), IMAGE), (layers.Pad((0, 0), (0, 0)), IMAGE), (layers.Pad((1, 0, 0), (0, 0, 0), "reflect"), IMAGE),
    (layers.Scale((6, 1, 1)), SIGNAL), (nn.PixelShuffle(4), IMAGE), (nn.ChannelShuffle(4), IMAGE), (nn.Flatten(0), IMAGE),
    (nn.LogSoftmax(0), IMAGE), (nn.Upsample(scale_factor=2.0), ROW), (nn.InstanceNorm1d(6), IMAGE),
    (nn.InstanceNorm2d(6), (6, 1, 1)),
    (nn.AdaptiveMaxPool2d(1), SIGNAL),
])
def test_what_does_not_fit_is_refused_by_name(layer: nn.Module, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="The layer 0 "):
        output_shape(trace(nn.Sequential(layer).eval()), shape)


class Joined(nn.Module):
    """Every function of the white list once, one of them with the same tensor twice."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.maximum(x + x, torch.minimum(x, x * x)) - x / (x + x)
        return torch.cat([y, torch.matmul(y, y)], 3) @ torch.cat([y, y], 2)


def test_functions_take_what_they_are_given_in_order() -> None:
    network = trace(Joined())
    images = torch.rand(2, 3, 4, 4) + 1
    assert output_shape(network, (3, 4, 4)) == tuple(network(images).shape[1:])
    assert torch.equal(from_spec(to_spec(network))(images), Joined()(images))
    assert {entry["kind"] for entry in to_spec(network)["nodes"] if entry["op"] == "function"} == set(kinds.FUNCTIONS)


def test_a_result_without_the_other_axes_is_not_spread_over_the_batch() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mean = layers.Mean((2, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.mean(x)

    with pytest.raises(ValueError, match="shapes that do not fit"):
        output_shape(trace(Odd()), (3, 4, 4))
