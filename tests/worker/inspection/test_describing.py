"""A file of the house is described beside it: its layers, and how ONNX Runtime answers, where it can be asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.worker.inspection.desk import Desk
from worker.dnn import architectures, export, files
from worker.dnn.describe import describe
from worker.firstlook import Unfit
from worker.inspection import describing
from worker.inspection.order import StructureFound
from worker.structure import Structure

SHAPE = (1, 12, 12)


@pytest.fixture
def network(desk: Desk) -> Path:
    path = desk.folder / "net.safetensors"
    files.save(architectures.build("resnet20", 7, SHAPE, width=0.25, seed=1), path, in_shape=SHAPE, classes=7, name="n")
    return path


def told(desk: Desk, path: Path, onnx: str = "") -> Structure:
    found = desk.inspect("structure", path, onnx=onnx)
    assert isinstance(found, StructureFound)
    return Structure.model_validate_json((desk.folder / "out" / found.structure).read_bytes())


def test_a_file_of_the_house_is_told_layer_by_layer(desk: Desk, network: Path) -> None:
    loaded = files.load(network)
    assert told(desk, network) == describe(loaded.network, SHAPE)
    assert desk.steps == ["reading", "describing"]


def test_its_onnx_file_is_asked_as_well(desk: Desk, network: Path) -> None:
    onnx = desk.folder / "net.onnx"
    exported = export.to_onnx(files.load(network).network, SHAPE, onnx)
    parity = told(desk, network, str(onnx)).parity
    assert parity and parity.max_relative is not None and parity.max_relative == pytest.approx(exported.max_relative, abs=1e-5)


def test_an_onnx_file_of_another_network_shows(desk: Desk, network: Path) -> None:
    onnx = desk.folder / "other.onnx"
    export.to_onnx(architectures.build("resnet20", 7, SHAPE, width=0.25, seed=2), SHAPE, onnx)
    parity = told(desk, network, str(onnx)).parity
    assert parity and parity.max_relative is not None and parity.max_relative > 0.01


@pytest.mark.parametrize("body", [b"", b"no ONNX at all"])
def test_an_onnx_file_that_does_not_run_leaves_the_layers_told(desk: Desk, network: Path, body: bytes) -> None:
    odd = told(desk, network, str(desk.file(body, "odd.onnx")))
    assert odd.parity is None and len(odd.layers) > 20


def test_a_large_onnx_file_is_not_run(desk: Desk, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = desk.folder / "net.onnx"
    export.to_onnx(files.load(network).network, SHAPE, onnx)
    monkeypatch.setattr(describing, "MOST_COMPARED_BYTES", 1000)
    assert told(desk, network, str(onnx)).parity is None


def test_weights_that_are_no_numbers_are_told_without_a_parity(desk: Desk) -> None:
    network = architectures.build("lenet5", 10, (1, 8, 8), seed=1)
    onnx = desk.folder / "net.onnx"
    export.to_onnx(network, (1, 8, 8), onnx)
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    path = desk.folder / "nan.safetensors"
    files.save(network, path, in_shape=(1, 8, 8), classes=10, name="n")
    parity = told(desk, path, str(onnx)).parity
    assert parity is None or parity.max_abs is None


def test_any_other_file_is_refused_in_a_sentence(desk: Desk) -> None:
    with pytest.raises(Unfit, match="not a safetensors file"):
        told(desk, desk.file(b"what is this"))
