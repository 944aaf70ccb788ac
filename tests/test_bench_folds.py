"""The five folds of digits32: every image is tested once, no fold sees its test images before, and all are always the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.folds import FOLDS, against, folds
from worker import datasets
from worker.context import DatasetInput
from worker.datasets import Data


@pytest.fixture(scope="module")
def dealt() -> list[Data]:
    return list(folds(datasets.load(DatasetInput("digits32"))))


def counts(data: Data, part: str) -> list[int]:
    return np.bincount(data.parts[part].labels, minlength=10).tolist()


def test_every_image_is_tested_once(dealt: list[Data]) -> None:
    whole = datasets.load(DatasetInput("digits32"))
    everything = torch.cat([part.images for part in whole.parts.values()]).flatten(1)
    tested = torch.cat([data.parts["test"].images for data in dealt]).flatten(1)
    assert len(dealt) == FOLDS and len(tested) == len(everything) == 1797
    assert torch.equal(tested.double().sum(0), everything.double().sum(0))
    for data in dealt:
        assert sum(map(len, data.parts.values())) == 1797


def test_no_part_of_a_fold_holds_an_image_of_another(dealt: list[Data]) -> None:
    data = dealt[0]
    seen = [{bytes(image.numpy().tobytes()) for image in data.parts[part].images} for part in ("train", "validation", "test")]
    assert not seen[0] & seen[2] and not seen[1] & seen[2] and not seen[0] & seen[1]


def test_each_class_has_its_proportion_everywhere(dealt: list[Data]) -> None:
    for data in dealt:
        assert max(counts(data, "test")) - min(counts(data, "test")) <= 3
        assert min(counts(data, "validation")) >= 14


def test_they_are_the_same_each_time(dealt: list[Data]) -> None:
    again = next(folds(datasets.load(DatasetInput("digits32"))))
    assert torch.equal(again.parts["train"].images, dealt[0].parts["train"].images) and again.mean == dealt[0].mean


def test_the_interval_is_that_of_students_t_and_the_wider_one_more_than_half_as_wide_again() -> None:
    said = against([1.0, 2.0, 3.0, 4.0, 5.0])
    assert "+3.0 points, 95 % from +1.0 to +5.0" in said  # 2.776 * 1.581 / sqrt(5)
    assert "from -0.1 to +6.1" in said  # times sqrt(1 + 5 * 0.2 / 0.7)
