"""A data set is kept in one file, and nothing else is taken for one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_tensors

from worker import datasets
from worker.context import DatasetInput
from worker.datasets import Data, Part


def small() -> Data:
    part = Part(torch.arange(3 * 2 * 4 * 4, dtype=torch.uint8).view(3, 2, 4, 4), torch.tensor([0, 1, 1]))
    return Data(
        name="small", in_shape=(2, 4, 4), classes=2, labels=("cat", "dog"), mean=(0.1, 0.2), std=(0.3, 0.4),
        channel_order="YX", parts={"train": part, "validation": part_of(part, 2), "test": part_of(part, 1)},
    )


def part_of(part: Part, count: int) -> Part:
    return Part(part.images[:count].clone(), part.labels[:count].clone())


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    datasets.save(small(), tmp_path / "a.safetensors")
    read = datasets.load(DatasetInput("anything", tmp_path / "a.safetensors"))
    assert replace(read, parts={}) == replace(small(), parts={})
    for name, part in small().parts.items():
        assert torch.equal(read.parts[name].images, part.images) and torch.equal(read.parts[name].labels, part.labels)


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    digests = {datasets.save(small(), tmp_path / name) for name in "ab"}
    assert len(digests) == 1 and (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_reading_leaves_the_images_in_the_file(tmp_path: Path) -> None:
    many = Part(torch.zeros(20_000, 3, 32, 32, dtype=torch.uint8), torch.zeros(20_000, dtype=torch.int64))
    few = part_of(many, 1)
    data = replace(small(), in_shape=(3, 32, 32), mean=(0.5,) * 3, std=(0.5,) * 3,
                   parts={"train": many, "validation": few, "test": few})
    datasets.save(data, tmp_path / "a")
    before = resident_bytes()
    read = datasets.read(tmp_path / "a")
    assert resident_bytes() - before < 20_000_000
    assert read.parts["train"].images.nbytes > 60_000_000


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def rewritten(path: Path, *, about: dict[str, Any] | None = None, tensors: dict[str, Any] | None = None) -> Path:
    """The file of the small data set with something replaced (None leaves a tensor out)."""
    data = small()
    fields = ("images", "labels")
    held = {f"{name}.{field}": getattr(part, field) for name, part in data.parts.items() for field in fields}
    said = {field: value for field, value in vars(data).items() if field != "parts"} | (about or {})
    held = {key: tensor for key, tensor in (held | (tensors or {})).items() if tensor is not None}
    path.write_bytes(save_tensors(held, {"edgeportal.dataset": json.dumps(said)}))
    return path


@pytest.mark.parametrize(("change", "told"), [
    ({"about": {"extra": 1}}, "no description"),
    ({"about": {"in_shape": [2, 4]}}, "does not fit together"),
    ({"about": {"in_shape": [2, 5, 4]}}, "shape that the data set says"),
    ({"about": {"classes": 3}}, "does not fit together"),
    ({"about": {"mean": [0.1]}}, "does not fit together"),
    ({"about": {"std": [0.0, 1.0]}}, "does not fit together"),
    ({"about": {"name": None}}, "does not fit together"),
    ({"tensors": {"test.images": None}}, "no test part"),
    ({"tensors": {"test.labels": torch.tensor([2])}}, "between 0 and 1"),
    ({"tensors": {"test.labels": torch.tensor([-1])}}, "between 0 and 1"),
    ({"tensors": {"test.labels": torch.tensor([1.0])}}, "int64"),
    ({"tensors": {"test.labels": torch.zeros(0, dtype=torch.int64)}}, "no test part"),
    ({"tensors": {"test.images": torch.zeros(1, 2, 4, 4)}}, "not uint8"),
])
def test_a_file_that_does_not_fit_together_is_refused(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told) as refusal:
        datasets.read(rewritten(tmp_path / "a", **change))
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"\xff" * 30, (2).to_bytes(8, "little") + b"{}"])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a").write_bytes(body)
    with pytest.raises(ValueError, match=r"\.$"):
        datasets.read(tmp_path / "a")
    with pytest.raises(ValueError, match="cannot be read"):
        datasets.read(tmp_path / "nothing")


@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 1), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, place: float, value: int, cut: bool
) -> None:
    path = rewritten(tmp_path_factory.getbasetemp() / "damaged")
    body = bytearray(path.read_bytes())
    at = min(int(place * len(body)), len(body) - 1)
    body[at] = value
    path.write_bytes(body[:at] if cut else body)
    try:
        datasets.read(path)
    except ValueError as refusal:
        assert str(refusal)
