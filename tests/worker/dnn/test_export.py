"""The exported twin answers alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from tests.quiet import cpu_s
from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.export import activations, to_onnx
from worker.dnn.export.parity import difference
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
    # Statistics of the batch itself: the answer to one sample would depend on its neighbours.
    network = trace(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)))
    with pytest.raises(ValueError, match=r"The layer 1 \(BatchNorm2d\) cannot be written as ONNX"):
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


def test_a_network_that_answers_differently_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A word said wrongly: the file is sound, and another network.
    monkeypatch.setitem(activations._PLAIN, nn.Sigmoid, "Tanh")
    network = trace(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sigmoid()))
    with pytest.raises(ValueError, match="answers differ from the network's by"):
        to_onnx(network, (3, 11, 12), tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_answers_that_are_no_numbers_are_told_as_what_they_are(tmp_path: Path) -> None:
    network = architectures.build("lenet5", seed=1)
    with torch.no_grad():
        network.get_parameter("conv1.weight").fill_(float("nan"))
    with pytest.raises(ValueError, match="no finite numbers"):
        to_onnx(network, (3, 32, 32), tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_the_same_network_gives_the_same_bytes_whatever_the_file_is_called(tmp_path: Path) -> None:
    network = architectures.build("lenet5", seed=1)
    for name in ("a.onnx", "b.onnx"):
        to_onnx(network, (3, 32, 32), tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_a_network_too_large_for_one_file_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    network = trace(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Flatten(), nn.Linear(432, 1 << 21, device="meta")))
    with pytest.raises(ValueError, match=r"numbers take 3\.6 GB; one ONNX file holds at most 1\.9 GB"):
        to_onnx(network, (3, 12, 12), tmp_path / "a.onnx")


def test_answers_that_are_no_numbers_must_be_none_on_both_sides() -> None:
    odd = np.array([[1.0, np.nan, np.inf]], np.float32)
    assert difference(odd, odd + np.float32(0)).max_abs == 0
    for other in ([[1.0, 2.0, np.inf]], [[1.0, np.nan, -np.inf]], [[np.nan, np.nan, np.inf]], [[1.0, np.nan]]):
        assert difference(odd, np.array(other, np.float32)).max_relative == float("inf")
    assert difference(odd * np.nan, odd * np.nan).max_relative == float("inf")


class Folding(nn.Module):
    """Batch-norms behind every layer that they fold into, one behind another, and one behind a layer that it does not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.folds = nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.ConvTranspose2d(6, 9, 3, 2, groups=3),
            nn.BatchNorm2d(9, affine=False), nn.Flatten(2), nn.Conv1d(9, 8, 5, 4, bias=False), nn.BatchNorm1d(8), nn.ReLU(),
            nn.ConvTranspose1d(8, 4, 3), nn.BatchNorm1d(4))
        self.stays = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(112, 4), nn.BatchNorm1d(4))
        self.last = nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.BatchNorm1d(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.stays(self.folds(x)))


def test_batch_norm_is_folded_on_request_wherever_it_can_be(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = trace(Folding())
    for _ in range(3):
        network(torch.randn(8, 3, 12, 12))
    network.eval()
    assert to_onnx(network, (3, 12, 12), tmp_path / "a.onnx", fold=True).max_relative < 1e-5
    names = [node.name for node in onnx.load(tmp_path / "a.onnx").graph.node if node.op_type == "BatchNormalization"]
    assert names == ["stays.2"]


def test_the_largest_network_of_the_house_is_exported_in_well_under_two_seconds(tmp_path: Path) -> None:
    network = architectures.build("vgg16")
    assert cpu_s(lambda: to_onnx(network, (3, 32, 32), tmp_path / "a.onnx"), 2.0) < 2.0


@pytest.mark.parametrize("name", zoo.ALL)
def test_folded_batch_norm_answers_alike(name: str) -> None:
    network = zoo.network(name)
    folded = fold_batchnorm(network, zoo.IN_SHAPE)
    assert torch.allclose(folded(zoo.images()), network(zoo.images()), rtol=1e-9, atol=1e-10)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()) or name == "Unpadded"
