"""The images that scores are taken on: of each class as many, by the seed alone, never more of them in memory than a batch."""

from __future__ import annotations

import torch

from worker.datasets import Data, Part, normalise
from worker.sparsity.scoring import balanced


def data(labels: list[int]) -> Data:
    images = torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous()
    part = Part(images, torch.tensor(labels))
    return Data("made", (1, 2, 2), 3, ("a", "b", "c"), (0.5,), (0.25,), "RGB", {"train": part, "validation": part, "test": part})


LABELS = [0, 1, 2, 2, 1, 0, 0, 0, 1, 0, 2, 0]


def test_each_class_has_as_many_and_one_that_has_fewer_all_it_has() -> None:
    made = data(LABELS)
    found = balanced(made, 4, seed=1)
    labels = torch.cat([batch for _, batch in found])
    assert torch.bincount(labels).tolist() == [4, 3, 3] and found.images == 10


def test_no_image_is_taken_twice_and_each_comes_with_its_label_as_it_is() -> None:
    made = data(LABELS)
    all_images = normalise(made.parts["train"].images, made)
    for images, labels in balanced(made, 4, seed=1, batch_size=5):
        for image, label in zip(images, labels, strict=True):
            places = [place for place, each in enumerate(all_images) if torch.equal(each, image)]
            assert len(places) == 1 and LABELS[places[0]] == int(label)
    positions = torch.cat(balanced(made, 4, seed=1).positions)
    assert len(set(positions.tolist())) == 10


def test_the_seed_alone_decides_which() -> None:
    drawn = [torch.cat(balanced(data(LABELS * 20), 5, seed=seed).positions).tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_last_batch_of_one_joins_its_neighbour() -> None:
    assert [len(labels) for _, labels in balanced(data(LABELS), 3, seed=1, batch_size=4)] == [4, 5]


def test_it_may_be_gone_through_again() -> None:
    found = balanced(data(LABELS), 3, seed=1)
    first, second = list(found), list(found)
    assert len(found) == 1 and torch.equal(first[0][0], second[0][0]) and torch.equal(first[0][1], second[0][1])


def test_a_class_without_images_is_passed_over() -> None:
    assert balanced(data([0, 0, 2, 2, 2]), 2, seed=3).images == 4
