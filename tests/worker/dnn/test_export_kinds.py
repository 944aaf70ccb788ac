"""Every kind of layer on the white list becomes ONNX that the checker takes and ONNX Runtime answers alike, for any batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from tests.worker.dnn.test_kinds import CASES, IMAGE, NAMES, ROW, SIGNAL, Joined
from worker.dnn import kinds, layers
from worker.dnn.export import to_onnx
from worker.dnn.form import trace

Case = tuple[nn.Module, tuple[int, ...]]
EDGES: list[Case] = [
    *((layer, IMAGE) for layer in (
        # The last window of a ceiled pool: beyond the image, beyond the padding, or left out because it would start there.
        nn.MaxPool2d(2, 3, 1, ceil_mode=True), nn.MaxPool2d(3, 2, 1, 2, ceil_mode=True), nn.MaxPool2d((1, 3), 4, ceil_mode=True),
        nn.MaxPool2d(3, 4, 1, 3, ceil_mode=True), nn.AvgPool2d(3, 2, 1, True), nn.AvgPool2d(3, 2, 0, True, False),
        nn.AvgPool2d(2, 3, 1, True), nn.AvgPool2d(5, 4, 2, True, False), nn.AvgPool2d(3, 2, 1, False, False),
        nn.LPPool2d(3, 2, 2), nn.LPPool2d(1.5, 2, 1), nn.LPPool2d(2, 3, 2, ceil_mode=True),
        # Windows that are one size, that overlap, that are fewer places than windows.
        nn.AdaptiveAvgPool2d((4, 5)), nn.AdaptiveAvgPool2d((5, 7)), nn.AdaptiveAvgPool2d((1, 3)), nn.AdaptiveAvgPool2d((20, 3)),
        nn.AdaptiveMaxPool2d((6, 5)), nn.AdaptiveMaxPool2d((5, 7)), nn.AdaptiveMaxPool2d((1, 4)),
        # Every way to resize, larger and smaller.
        nn.Upsample(size=(24, 30)), nn.Upsample(size=(7, 17)), nn.Upsample(scale_factor=1.7), nn.Upsample(scale_factor=0.6),
        nn.Upsample(scale_factor=2.0, mode="bilinear"), nn.Upsample(size=(17, 7), mode="bilinear"),
        nn.Upsample(size=(24, 20), mode="bilinear", align_corners=True), nn.Upsample(scale_factor=0.7, mode="bilinear"),
        nn.Upsample(scale_factor=2.0, mode="bicubic"), nn.Upsample(size=(5, 33), mode="bicubic"),
        nn.GroupNorm(2, 6, affine=False), nn.LayerNorm([6, 12, 10], elementwise_affine=False), nn.LocalResponseNorm(4, 0.5),
        nn.LocalResponseNorm(5, 1e-2, 0.5, 2.0), nn.InstanceNorm2d(6),
        nn.InstanceNorm2d(6, affine=True, track_running_stats=True), nn.MaxPool2d(3, 2, dilation=(1, 2)),
        nn.BatchNorm2d(6, affine=False), nn.Softmax(-1), nn.Softmax(3), nn.LogSoftmax(2), nn.GELU(), nn.ELU(1.5), nn.CELU(0.5),
        nn.Linear(10, 7), nn.Flatten(1, 3), nn.Flatten(2, -1), layers.Reshape((-1,)), layers.Permute((0, 3, 1, 2)),
        layers.Slice(2, 1, 100, 3), layers.Slice(1, 5, 6), layers.Pad((2, 0, 0), (0, 0, 1)), layers.Affine(), layers.Affine(2.0),
        layers.Affine(1.0, 3.0), layers.Clamp(None, 0.3), layers.Power(3.0), layers.Scale(()), layers.Shift((12, 10)),
        layers.Mean((1,)), layers.Mean((1, 2, 3)), layers.Max((2, -1), True), layers.Sum((-1,)), layers.Scale((1, 12, 1)),
        nn.ChannelShuffle(2), nn.PixelUnshuffle(2), nn.ConvTranspose2d(6, 4, 3, 2, 1, 1, 2), nn.PReLU(6),
        nn.ConvTranspose2d(6, 4, 3, (2, 3), 1, (1, 2), groups=2), nn.Conv2d(6, 12, 3, 2, 2, 2, 6, bias=False),
    )),
    *((layer, SIGNAL) for layer in (
        nn.ConvTranspose1d(6, 6, 4, 3, 2, 2, groups=3, dilation=2), nn.AvgPool1d(3, 2, 1, True, False),
        nn.MaxPool1d(3, 2, 1, 2, ceil_mode=True),
        nn.AdaptiveAvgPool1d(7), nn.AdaptiveAvgPool1d(5), nn.AdaptiveMaxPool1d(3), nn.AdaptiveMaxPool1d(6), nn.Upsample(size=33),
        nn.Upsample(scale_factor=2.0, mode="linear"), nn.Upsample(size=9, mode="linear", align_corners=True),
        nn.LocalResponseNorm(3), nn.GroupNorm(3, 6), nn.Linear(20, 3), nn.InstanceNorm1d(6, affine=True), nn.PReLU(6),
        nn.LayerNorm(20), nn.Softmax(1), nn.ChannelShuffle(3), layers.Pad((0, 2), (0, 1), "reflect"), layers.Permute((0, 2, 1)),
    )),
    *((layer, ROW) for layer in (
        nn.GroupNorm(2, 6), nn.LayerNorm(6), nn.PReLU(6), nn.Softmax(1), nn.LogSoftmax(-1), nn.Flatten(), nn.BatchNorm1d(6),
        layers.Reshape((2, 3)), layers.Slice(1, 2, None), layers.Pad((1,), (2,)), nn.Linear(6, 4, bias=False), nn.SiLU(),
    )),
]


def answers(path: Path, images: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(["output"], {"input": images.numpy()})
    return np.asarray(found)


def drawn(layer: nn.Module) -> nn.Module:
    """No parameter and no statistic at its start, where a wrong one would not show."""
    torch.manual_seed(1)
    for name, tensor in (*layer.named_parameters(), *layer.named_buffers()):
        if tensor.is_floating_point():
            torch.nn.init.uniform_(tensor.detach(), 0.5 if "var" in name else -1.0, 1.5)
    return layer.eval()


@pytest.mark.parametrize(("layer", "shape"), [*CASES, *EDGES], ids=[*NAMES, *(str(layer) for layer, _ in EDGES)])
def test_a_layer_is_written_checked_and_answered_alike(layer: nn.Module, shape: tuple[int, ...], tmp_path: Path) -> None:
    network, path = trace(nn.Sequential(drawn(layer))), tmp_path / "a.onnx"
    assert to_onnx(network, shape, path).max_relative < 1e-5
    onnx.checker.check_model(onnx.load(path), full_check=True)
    for batch in (1, 3):
        images = torch.rand(batch, *shape) + 0.1  # positive: a logarithm and a root have numbers here
        assert np.allclose(answers(path, images), network(images).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_every_kind_of_layer_is_among_them() -> None:
    assert {type(layer) for layer, _ in CASES} == set(kinds.MODULES)


def test_functions_are_written_with_their_inputs_in_order(tmp_path: Path) -> None:
    to_onnx(trace(Joined()), (3, 4, 4), tmp_path / "a.onnx")
    images = torch.rand(5, 3, 4, 4) + 1
    assert np.allclose(answers(tmp_path / "a.onnx", images), Joined()(images).numpy(), rtol=1e-4)


def test_a_raised_opset_still_says_means_rightly(tmp_path: Path) -> None:
    layer = nn.Sequential(nn.GELU(), layers.Mean((2,), True), layers.Max((3,)), layers.Sum((-1,)))
    assert to_onnx(trace(layer), IMAGE, tmp_path / "a.onnx").max_relative < 1e-5
    model = onnx.load(tmp_path / "a.onnx")
    assert model.opset_import[0].version == 20 and model.graph.node[1].attribute[0].name != "axes"
