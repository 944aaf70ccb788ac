"""The built-in digits."""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits

from worker import datasets
from worker.context import DatasetInput
from worker.datasets import Data

SIZES = {"train": 1257, "validation": 180, "test": 360}
FIRST_TEST_LABELS = [1, 2, 0, 4, 5, 0, 9, 9, 4, 0, 6, 6]
TEST_PIXELS = 1_785_772


@pytest.fixture(params=["digits", "digits32"])
def data(request: pytest.FixtureRequest) -> Data:
    return datasets.load(DatasetInput(request.param))


def test_the_parts_have_fixed_sizes_and_the_described_shape(data: Data) -> None:
    assert {name: len(part) for name, part in data.parts.items()} == SIZES
    for part in data.parts.values():
        assert part.images.dtype is torch.uint8 and tuple(part.images.shape[1:]) == data.in_shape
        assert part.labels.dtype is torch.int64
    assert data.classes == len(data.labels) == 10


def test_every_part_has_each_class_in_its_proportion(data: Data) -> None:
    for part in data.parts.values():
        share = torch.bincount(part.labels, minlength=10) / len(part)
        assert (share - 0.1).abs().max() < 0.01


def test_the_images_are_scikit_learns() -> None:
    data = datasets.load(DatasetInput("digits"))
    theirs = load_digits()
    ours = torch.cat([part.images for part in data.parts.values()])
    stretched = torch.from_numpy(theirs.images * 255 / 16).round().to(torch.uint8)
    key = sorted(map(bytes, ours.flatten(1).numpy()))
    assert key == sorted(map(bytes, stretched.flatten(1).numpy()))


def test_no_image_is_in_two_parts() -> None:
    data = datasets.load(DatasetInput("digits"))
    seen = [{bytes(image) for image in part.images.flatten(1).numpy()} for part in data.parts.values()]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


def test_both_sizes_are_split_alike() -> None:
    small, large = (datasets.load(DatasetInput(name)) for name in datasets.names())
    assert all(torch.equal(small.parts[name].labels, large.parts[name].labels) for name in small.parts)


def test_the_split_is_the_same_for_ever() -> None:
    part = datasets.load(DatasetInput("digits")).parts["test"]
    assert part.labels[:12].tolist() == FIRST_TEST_LABELS
    assert int(part.images.sum(dtype=torch.int64)) == TEST_PIXELS


def test_the_large_ones_are_grey_in_three_channels() -> None:
    images = datasets.load(DatasetInput("digits32")).parts["train"].images
    assert torch.equal(images[:, 0], images[:, 1]) and torch.equal(images[:, 0], images[:, 2])


def test_normalised_training_images_have_mean_0_and_deviation_1(data: Data) -> None:
    images = datasets.normalise(data.parts["train"].images, data)
    assert images.dtype is torch.float32
    assert images.mean().abs() < 1e-4 and (images.std(correction=0) - 1).abs() < 1e-4


def test_normalising_leaves_the_images_alone(data: Data) -> None:
    before = data.parts["test"].images.clone()
    datasets.normalise(data.parts["test"].images, data)
    assert torch.equal(before, data.parts["test"].images)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="digits, digits32"):
        datasets.load(DatasetInput("imagenet"))
