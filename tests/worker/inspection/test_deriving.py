"""Files made of a network on request: what the child of the desk makes of an order."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

from tests.worker.inspection.desk import Desk
from worker.dnn import architectures, files
from worker.firstlook import Unfit
from worker.inspection.order import FilesFound

SHAPE = (3, 16, 16)


@pytest.fixture
def network(desk: Desk) -> Path:
    path = desk.folder / "net.safetensors"
    files.save(architectures.build("resnet20", 5, SHAPE, width=0.25, seed=1), path, in_shape=SHAPE, classes=5, name="n")
    return path


def made(desk: Desk, kind: str, network: Path, **more: str) -> FilesFound:
    found = desk.inspect(kind, network, **more)
    assert isinstance(found, FilesFound)
    for each in found.files:
        body = (desk.folder / "out" / each.file).read_bytes()
        assert (each.sha256, each.size_bytes) == (hashlib.sha256(body).hexdigest(), len(body))
        assert each.parity.max_relative is not None and each.parity.max_relative < 1e-5
    return found


def test_batch_norm_is_folded_away(desk: Desk, network: Path) -> None:
    (file,) = made(desk, "folded", network).files
    kinds = {node.op_type for node in onnx.load(desk.folder / "out" / file.file).graph.node}
    assert file.part == "folded" and "Conv" in kinds and "BatchNormalization" not in kinds


def test_head_and_tail_answer_as_the_whole(desk: Desk, network: Path) -> None:
    found = made(desk, "slices", network, after="stages.1.0.relu2")
    assert [each.part for each in found.files] == ["head", "tail"] and found.files[0].out_shape == found.files[1].in_shape
    images = torch.rand(3, *SHAPE)
    answer = images.numpy()
    for each in found.files:
        session = onnxruntime.InferenceSession(desk.folder / "out" / each.file, providers=["CPUExecutionProvider"])
        (answer,) = session.run(None, {"input": answer})
    assert torch.allclose(torch.from_numpy(answer), files.load(network).network(images), rtol=1e-4, atol=1e-5)
    assert found.parity.max_relative is not None and found.parity.max_relative < 1e-5


@pytest.mark.parametrize(("after", "told"), [
    ("stages.1.0.conv1", "parts 2 results"), ("nowhere", "no layer 'nowhere'"), ("fc", "tail would be empty")])
def test_a_place_that_is_no_cut_is_refused_in_a_sentence(desk: Desk, network: Path, after: str, told: str) -> None:
    with pytest.raises(Unfit, match=told):
        desk.inspect("slices", network, after=after)


def test_another_file_is_refused(desk: Desk) -> None:
    with pytest.raises(Unfit, match="not a safetensors file"):
        desk.inspect("folded", desk.file(b"no network"))
