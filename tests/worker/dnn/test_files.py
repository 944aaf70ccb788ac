"""A network is kept in one file that carries everything, and nothing else is taken for one."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_tensors

from tests.worker.dnn import zoo
from worker.context import ModelInput
from worker.dnn import architectures, files
from worker.dnn.form import to_spec

SHAPE = (3, 12, 12)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "chain.safetensors"
    files.save(zoo.network("Chain", dtype=torch.float32), path, in_shape=SHAPE, classes=5, name="a chain")
    return path


def test_what_is_saved_comes_back(kept: Path) -> None:
    loaded, images = files.load(kept), zoo.images(dtype=torch.float32)
    assert (loaded.in_shape, loaded.classes, loaded.name) == (SHAPE, 5, "a chain")
    assert torch.equal(loaded.network(images), zoo.network("Chain", dtype=torch.float32)(images))
    assert not loaded.network.get_submodule("0.1").training
    assert all(parameter.requires_grad for parameter in loaded.network.parameters())


def test_a_loaded_network_can_be_trained_and_copied(kept: Path) -> None:
    network = copy.deepcopy(files.load(kept).network).train()
    network(zoo.images(dtype=torch.float32)).sum().backward()
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_same_network_gives_the_same_bytes(kept: Path, tmp_path: Path) -> None:
    loaded = files.load(kept)
    digest = files.save(loaded.network, tmp_path / "b", in_shape=SHAPE, classes=5, name="a chain")
    assert (tmp_path / "b").read_bytes() == kept.read_bytes()
    assert digest == hashlib.sha256(kept.read_bytes()).hexdigest()


def test_a_file_says_whether_its_weights_were_trained_and_counts_as_untrained_without_a_word(
    kept: Path, tmp_path: Path,
) -> None:
    assert not files.load(kept).trained
    files.save(files.load(kept).network, tmp_path / "b", in_shape=SHAPE, classes=5, name="a chain", trained=True)
    assert files.load(tmp_path / "b").trained
    without = json.loads(described(kept))
    del without["trained"]
    kept.write_bytes(save_tensors(files.load(kept).network.state_dict(), {"edgeportal.network": json.dumps(without)}))
    assert not files.load(kept).trained


def test_the_precision_is_kept(tmp_path: Path) -> None:
    files.save(zoo.network("Chain"), tmp_path / "a", in_shape=SHAPE, classes=5, name="a")
    assert next(files.load(tmp_path / "a").network.parameters()).dtype is torch.float64


def described(path: Path) -> str:
    header = path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")]
    text: str = json.loads(header)["__metadata__"]["edgeportal.network"]
    return text


def rewritten(
    path: Path,
    *,
    about: dict[str, Any] | None = None,
    tensors: dict[str, Any] | None = None,
    network: torch.nn.Module | None = None,
) -> Path:
    """The file with some fields of its description, or some tensors, replaced (None leaves one out)."""
    network = network or zoo.network("Chain", dtype=torch.float32)
    held = {key: tensor for key, tensor in (network.state_dict() | (tensors or {})).items() if tensor is not None}
    said = json.loads(described(path)) | (about or {})
    path.write_bytes(save_tensors(held, {"edgeportal.network": json.dumps(said)}))
    return path


@pytest.mark.parametrize(("change", "told"), [
    ({"about": {"spec": {}}}, "version"),
    ({"about": {"spec": None}}, "version"),
    ({"about": {"in_shape": [3, 12]}}, "given 3 of shape 3x12|expects"),
    ({"about": {"in_shape": [4, 12, 12]}}, "expects 3 channels but is given 4"),
    ({"about": {"in_shape": [3, 10**9, 12]}}, "which images"),
    ({"about": {"in_shape": [3, 1, 1]}}, "too small"),
    ({"about": {"classes": 0}}, "how many classes"),
    ({"about": {"classes": True}}, "how many classes"),
    ({"about": {"classes": 9}}, "answers with 5 numbers but says it has 9"),
    ({"about": {"name": 3}}, "name"),
    ({"about": {"trained": "yes"}}, "whether the network was trained"),
    ({"tensors": {"0.0.weight": None}}, "tensor 0.0.weight is missing"),
    ({"tensors": {"extra": torch.zeros(1)}}, "tensor extra is not part"),
    ({"tensors": {"7.bias": torch.zeros(9)}}, r"7.bias has shape \[9\], not \[5\]"),
    ({"tensors": {"7.bias": torch.zeros(5, dtype=torch.int64)}}, "wrong type of numbers"),
    ({"tensors": {"7.bias": torch.zeros(5, dtype=torch.uint8)}}, "name or a type"),
    ({"tensors": {"../x": torch.zeros(5)}}, "name or a type"),
])
def test_a_file_that_does_not_fit_together_is_refused(kept: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(files.Refused, match=told) as refusal:
        files.load(rewritten(kept, **change))
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)


@pytest.mark.parametrize("body", [
    b"", b"{}", b"\x80\x04pickle", b"PK\x03\x04" + bytes(40), (10**18).to_bytes(8, "little") + b"{}" * 20,
    (2).to_bytes(8, "little") + b"{}", (4).to_bytes(8, "little") + b"{{{{" + bytes(9),
    (200_000).to_bytes(8, "little") + b'{"a":' + b"[" * 199_995,
])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a").write_bytes(body)
    with pytest.raises(files.Refused):
        files.load(tmp_path / "a")


def test_a_missing_file_and_a_long_header_are_refused(tmp_path: Path) -> None:
    with pytest.raises(files.Refused, match="cannot be read"):
        files.load(tmp_path / "nothing")
    (tmp_path / "long").write_bytes((2_000_000).to_bytes(8, "little") + b"{" + b" " * 2_000_000)
    with pytest.raises(files.Refused, match="2000000 bytes; at most"):
        files.load(tmp_path / "long")


@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 1), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_refused_or_loads(
    tmp_path_factory: pytest.TempPathFactory, place: float, value: int, cut: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    files.save(zoo.network("Chain", dtype=torch.float32), path, in_shape=SHAPE, classes=5, name="a")
    body = bytearray(path.read_bytes())
    at = min(int(place**3 * len(body)), len(body) - 1)
    body[at] = value
    path.write_bytes(body[:at] if cut else body)
    try:
        loaded = files.load(path)
        loaded.network(torch.zeros(1, *loaded.in_shape))
    except files.Refused as refusal:
        assert str(refusal)


def test_a_model_input_is_an_architecture_or_a_file(kept: Path) -> None:
    fresh = files.open_model(ModelInput("mine", "lenet5"), num_classes=4, in_shape=(1, 8, 8), seed=3)
    assert (fresh.classes, fresh.in_shape) == (4, (1, 8, 8))
    same = architectures.build("lenet5", 4, (1, 8, 8), seed=3)
    assert torch.equal(fresh.network.get_submodule("conv1").weight, same.get_submodule("conv1").weight)
    read = files.open_model(ModelInput("theirs", file=kept), num_classes=5, in_shape=SHAPE, seed=None)
    assert read.name == "a chain"


def test_a_model_that_does_not_fit_the_data_is_refused_with_both_numbers(kept: Path) -> None:
    given = ModelInput("theirs", file=kept)
    with pytest.raises(ValueError, match="5 classes but the data set has 10"):
        files.open_model(given, num_classes=10, in_shape=SHAPE, seed=None)
    with pytest.raises(ValueError, match="images of 3x12x12 but the data set has 1x8x8"):
        files.open_model(given, num_classes=5, in_shape=(1, 8, 8), seed=None)


@settings(max_examples=150, deadline=None)
@given(
    node=st.integers(0, 40), field=st.integers(0, 9),
    value=st.sampled_from([0, 1, 2, 3, 7, -1, True, None, 0.5, [1, 2], "none"]),
)
def test_a_description_with_other_arguments_is_refused_or_runs(
    tmp_path_factory: pytest.TempPathFactory, node: int, field: int, value: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "other"
    network = zoo.network("Unpadded", dtype=torch.float32)
    files.save(network, path, in_shape=SHAPE, classes=5, name="a")
    spec = to_spec(network)
    arguments = spec["nodes"][node % len(spec["nodes"])]["arguments"]
    if arguments:
        arguments[sorted(arguments)[field % len(arguments)]] = value
    try:
        loaded = files.load(rewritten(path, about={"spec": spec}, network=network))
    except files.Refused as refusal:
        assert str(refusal)
        return
    assert loaded.network(torch.zeros(2, *SHAPE)).shape == (2, 5)
