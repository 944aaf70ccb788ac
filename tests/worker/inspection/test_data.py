"""Data sets from outside: every usual layout becomes the same house file, split the same way each time, and that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.worker.inspection.desk import Desk
from worker import datasets
from worker.datasets.digits import small
from worker.inspection.order import DatasetFound

GENERATOR = np.random.default_rng(1)
IMAGES = GENERATOR.integers(0, 256, (100, 12, 10, 3), np.uint8)
LABELS = np.arange(100) % 4


def found(desk: Desk, **arrays: Any) -> tuple[DatasetFound, datasets.Data]:
    path = desk.folder / "data.npz"
    np.savez_compressed(path, **arrays)
    answer = desk.dataset(path)
    assert isinstance(answer, DatasetFound)
    return answer, datasets.read(desk.folder / "out" / answer.file)


def rows(data: datasets.Data) -> set[bytes]:
    return {image.numpy().tobytes() for part in data.parts.values() for image in part.images}


def test_one_pair_is_split_in_three_parts_with_each_class_in_its_proportion(desk: Desk) -> None:
    answer, data = found(desk, images=IMAGES, labels=LABELS)
    assert answer.counts == {"train": 70, "validation": 10, "test": 20} and answer.in_shape == (3, 12, 10)
    assert data.parts["test"].labels.bincount().tolist() == [5, 5, 5, 5]
    assert rows(data) == {image.transpose(2, 0, 1).tobytes() for image in IMAGES} and len(rows(data)) == 100
    assert any("70, 10 and 20 %" in note for note in answer.notes)


def test_the_same_arrays_give_the_same_file(desk: Desk) -> None:
    first = found(desk, images=IMAGES, labels=LABELS)[0]
    body = (desk.folder / "out" / first.file).read_bytes()
    found(desk, images=IMAGES, labels=LABELS)
    assert (desk.folder / "out" / first.file).read_bytes() == body


def test_images_keep_their_labels(desk: Desk) -> None:
    images = np.repeat(LABELS.astype(np.uint8), 64).reshape(100, 8, 8) * 10
    _, data = found(desk, images=images, labels=LABELS)
    for part in data.parts.values():
        assert torch.equal(part.images[:, 0, 0, 0], (part.labels * 10).to(torch.uint8))


@pytest.mark.parametrize("layout", ["behind", "before", "none", "fortran"])
def test_channels_may_stand_behind_before_or_nowhere(desk: Desk, layout: str) -> None:
    shaped = {"behind": IMAGES, "before": IMAGES.transpose(0, 3, 1, 2), "none": IMAGES[..., 0],
              "fortran": np.asfortranarray(IMAGES)}
    _, data = found(desk, images=shaped[layout], labels=LABELS)
    wanted = IMAGES[..., :1] if layout == "none" else IMAGES
    assert rows(data) == {image.transpose(2, 0, 1).tobytes() for image in wanted}
    assert data.channel_order == ("grey" if layout == "none" else "RGB")


def test_floats_from_0_to_1_become_bytes_and_that_is_said(desk: Desk) -> None:
    answer, data = found(desk, images=(IMAGES / 255).astype(np.float32), labels=LABELS)
    assert rows(data) == {image.transpose(2, 0, 1).tobytes() for image in IMAGES}
    assert any("kept as 0 to 255" in note for note in answer.notes)


def test_given_parts_are_kept_and_a_missing_one_is_dealt_out_of_train(desk: Desk) -> None:
    answer, data = found(desk, x_train=IMAGES[:80], y_train=LABELS[:80], x_test=IMAGES[80:], y_test=LABELS[80:])
    assert answer.counts == {"train": 72, "validation": 8, "test": 20}
    assert {image.numpy().tobytes() for image in data.parts["test"].images} == {
        image.transpose(2, 0, 1).tobytes() for image in IMAGES[80:]}
    assert any("no validation part" in note for note in answer.notes)


def test_what_the_file_says_of_itself_is_kept(desk: Desk) -> None:
    said = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "channel_order": "BGR", "label_names": list("abcde")}
    answer, data = found(desk, images=IMAGES, labels=LABELS, **{name: np.array(value) for name, value in said.items()})
    assert (data.mean, data.std, data.channel_order) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "BGR")
    assert (answer.classes, answer.labels) == (5, list("abcde"))


def test_mean_and_deviation_are_those_of_train(desk: Desk) -> None:
    _, data = found(desk, images=IMAGES, labels=LABELS)
    pixels = data.parts["train"].images.double() / 255
    assert data.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert data.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist())


def test_arrays_nobody_needs_are_named(desk: Desk) -> None:
    answer, _ = found(desk, images=IMAGES, labels=LABELS, film=np.zeros(3))
    assert "Not used: film." in answer.notes


def test_a_data_set_of_the_house_is_kept_as_it_is(desk: Desk) -> None:
    path = desk.folder / "digits.safetensors"
    datasets.save(small(), path)
    body = path.read_bytes()
    answer = desk.dataset(path)
    assert isinstance(answer, DatasetFound) and answer.counts == {"train": 1257, "validation": 180, "test": 360}
    assert Path(desk.folder / "out" / answer.file).read_bytes() == body


def test_labels_with_gaps_are_taken_with_a_warning_that_names_the_gaps(desk: Desk) -> None:
    answer, data = found(desk, images=IMAGES, labels=LABELS * 10)
    warning = next(note for note in answer.notes if note.startswith("Warning:"))
    assert data.classes == 31 and "31 classes, of which 27 have no image: 1, 2, 3, 4, 5, 6, 7, 8, 9, 11" in warning
    assert "number them from 0 to 3" in warning
    assert not any(note.startswith("Warning:") for note in found(desk, images=IMAGES, labels=LABELS)[0].notes)
