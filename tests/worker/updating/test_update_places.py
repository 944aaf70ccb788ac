"""Where a network's numbers lie in its file, found without the libraries that wrote it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from safetensors.torch import load_file, save
from torch import fx

from worker.dnn import architectures, export, files
from worker.firstlook.sentences import Unfit
from worker.updating.places import places, put, unfinite


@pytest.fixture
def safe(fresh: Callable[[], fx.GraphModule], tmp_path: Path) -> bytes:
    files.save(fresh(), tmp_path / "first.safetensors", in_shape=(1, 8, 8), classes=10, name="first")
    return (tmp_path / "first.safetensors").read_bytes()


def test_of_safetensors_every_tensor_is_found(safe: bytes, tmp_path: Path) -> None:
    expected = load_file(tmp_path / "first.safetensors")
    found = {place.name: place for place in places(safe)}
    assert found.keys() == expected.keys()
    for name, place in found.items():
        assert place.of(safe).tobytes() == expected[name].numpy().tobytes()


@pytest.mark.parametrize("architecture", ["resnet20", "mobilenet_v2", "lenet5"])
def test_of_onnx_every_initialiser_is_found(architecture: str, tmp_path: Path) -> None:
    file = tmp_path / "network.onnx"
    export.to_onnx(architectures.build(architecture, 10, (3, 32, 32), seed=1).eval(), (3, 32, 32), file)
    body = file.read_bytes()
    expected = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(file).graph.initializer}
    found = {place.name: place for place in places(body)}
    assert found.keys() == expected.keys()
    for name, place in found.items():
        assert place.of(body).tobytes() == expected[name].tobytes()
        assert place.shape == expected[name].shape


def test_what_is_put_in_changes_its_own_bytes_alone(exported: bytes) -> None:
    place = next(place for place in places(exported) if place.is_weight)
    fresh = put(exported, {place.name: np.full(place.shape, 7.5, np.float32)})
    differing = np.flatnonzero(np.frombuffer(fresh, np.uint8) != np.frombuffer(exported, np.uint8))
    assert place.begin <= differing.min()
    assert differing.max() < place.begin + 4 * place.size
    assert put(fresh, {place.name: place.of(exported).view(np.float32)}) == exported


@pytest.mark.parametrize("kind, items", [("F32", torch.float32), ("F64", torch.float64), ("F16", torch.float16),
                                         ("BF16", torch.bfloat16)])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_of_every_type_one_number_that_is_none_is_found(kind: str, items: torch.dtype, number: float) -> None:
    largest = torch.full((3, 4), torch.finfo(items).max, dtype=items)
    body = save({"fine": -largest, "whole": torch.full((2,), -1, dtype=torch.int64), "odd": largest})
    assert {place.type for place in places(body)} == {kind, "I64"}
    assert unfinite(body) == ""
    largest[1, 2] = number
    assert unfinite(save({"fine": -largest.abs().nan_to_num(0, 0), "odd": largest})) == "odd"


def test_a_tensor_of_another_size_is_refused(exported: bytes) -> None:
    with pytest.raises(Unfit, match="the file holds"):
        put(exported, {places(exported)[0].name: np.zeros(3, np.float32)})


@pytest.mark.parametrize("body", [b"", b"\x08", b"PK\x03\x04 an archive", b"\x80\x02}q\x00 a pickle", b"\xff" * 8 + b"{}",
                                  (2).to_bytes(8, "little") + b"{]", (11).to_bytes(8, "little") + b'{"a":"b"}  '])
def test_what_is_no_network_is_refused_in_a_sentence(body: bytes) -> None:
    with pytest.raises(Unfit, match=r"\.$"):
        places(body)


def test_a_file_cut_anywhere_is_refused_or_claims_nothing_beyond_its_end(exported: bytes, safe: bytes) -> None:
    for whole in (exported, safe):
        for end in [*range(0, 400, 7), *range(400, len(whole), 397)]:
            part = whole[:end]
            try:
                found = places(part)
            except Unfit:
                continue
            assert all(place.begin + place.of(part).nbytes <= end for place in found), hashlib.sha256(part).hexdigest()
