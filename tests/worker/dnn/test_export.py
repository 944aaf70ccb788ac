"""The exported twin answers alike."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.export import to_onnx
from worker.dnn.fold import fold_batchnorm
from worker.dnn.form import trace
from worker.dnn.surgery import shrink


@pytest.mark.parametrize("name", zoo.ALL)
def test_onnx_runtime_answers_like_torch_for_any_batch(name: str, tmp_path: Path) -> None:
    network, path = zoo.network(name, dtype=torch.float32), tmp_path / "a.onnx"
    assert to_onnx(network, zoo.IN_SHAPE, path).max_relative < 1e-5
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch in (1, 5):
        images = zoo.images(batch, torch.float32)
        (answers,) = session.run(["output"], {"input": images.numpy()})
        assert np.allclose(answers, network(images).detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", zoo.ALL)
def test_so_does_the_export_of_a_shrunk_network(name: str, tmp_path: Path) -> None:
    network = zoo.network(name)
    compact = shrink(network, zoo.filter_masks(network)).network
    assert to_onnx(compact, zoo.IN_SHAPE, tmp_path / "a.onnx").max_relative < 1e-5


LAYERS = [
    nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(), nn.GELU(), nn.GELU(approximate="tanh"), nn.Hardswish(), nn.Hardsigmoid(),
    nn.Sigmoid(), nn.Tanh(), nn.PReLU(3), nn.PReLU(), nn.Softmax(1), nn.Dropout(), nn.Identity(),
    nn.MaxPool2d(3, 2, 1, dilation=2), nn.MaxPool2d(2, ceil_mode=True), nn.AvgPool2d(3, 2, 1),
    nn.AvgPool2d(3, 2, 1, count_include_pad=False), nn.AdaptiveAvgPool2d((4, 3)),
    nn.Conv2d(3, 6, (3, 1), (2, 1), (1, 0), groups=3), nn.Conv2d(3, 2, 3, dilation=2),
    nn.BatchNorm2d(3, affine=False), nn.LayerNorm([3, 12, 12]), nn.GroupNorm(3, 3, affine=False),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_every_layer_is_said_rightly(layer: nn.Module, tmp_path: Path) -> None:
    network = trace(nn.Sequential(nn.Conv2d(3, 3, 1), layer)).eval()
    assert to_onnx(network, zoo.IN_SHAPE, tmp_path / "a.onnx").max_relative < 1e-5


def test_what_onnx_cannot_say_is_refused_by_name(tmp_path: Path) -> None:
    network = trace(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Linear(12, 2)))
    with pytest.raises(ValueError, match=r"The layer 1 \(Linear\) cannot be written"):
        to_onnx(network, zoo.IN_SHAPE, tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_batch_norm_is_a_node_and_initialisers_are_named_like_parameters(tmp_path: Path) -> None:
    network = architectures.build("resnet20")
    to_onnx(network, (3, 32, 32), tmp_path / "a.onnx")
    model = onnx.load(tmp_path / "a.onnx")
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("BatchNormalization") == 21
    names = {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
    assert {each.name for each in model.graph.initializer} == names


def test_the_file_asks_for_no_newer_runtime_than_it_needs(tmp_path: Path) -> None:
    to_onnx(architectures.build("lenet5"), (3, 32, 32), tmp_path / "a.onnx")
    model = onnx.load(tmp_path / "a.onnx")
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)


def test_the_mode_of_the_network_is_left_alone(tmp_path: Path) -> None:
    network = architectures.build("lenet5").train()
    to_onnx(network, (3, 32, 32), tmp_path / "a.onnx")
    assert network.training and network.get_submodule("conv1").training


def test_a_network_that_answers_differently_is_refused(tmp_path: Path) -> None:
    # torch divides by the part of a ceiled window inside the image, ONNX Runtime by all of it.
    network = trace(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sigmoid(), nn.AvgPool2d(3, 2, 1, ceil_mode=True)))
    try:
        assert to_onnx(network, (3, 11, 12), tmp_path / "a.onnx").max_relative < 1e-4
    except ValueError as error:
        assert "differ" in str(error) and not (tmp_path / "a.onnx").exists()


def test_the_largest_network_of_the_house_is_exported_in_well_under_two_seconds(tmp_path: Path) -> None:
    network = architectures.build("vgg16")
    began = time.process_time()
    assert to_onnx(network, (3, 32, 32), tmp_path / "a.onnx").max_relative < 1e-5
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize("name", zoo.ALL)
def test_folded_batch_norm_answers_alike(name: str) -> None:
    network = zoo.network(name)
    folded = fold_batchnorm(network)
    assert torch.allclose(folded(zoo.images()), network(zoo.images()), rtol=1e-9, atol=1e-10)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()) or name == "Unpadded"
