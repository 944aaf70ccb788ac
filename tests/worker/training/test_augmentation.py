"""Training images are cropped and mirrored by seed, epoch and place alone, and no others are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from worker.context import Context
from worker.datasets import Data, Part
from worker.events import Event, Metric
from worker.training import augmentation
from worker.training.augmentation import PAD, change, cropped
from worker.training.batches import order, shuffled
from worker.training.loop import train
from worker.training.settings import Settings

Fresh = Callable[[], torch.fx.GraphModule]
SETTINGS = Settings(epochs=3, batch_size=128, augment="crop_flip")
CPU = torch.device("cpu")
IMAGE = torch.tensor([[1, 2, 3], [4, 5, 6]], dtype=torch.uint8)[None, None]


def cut(down: int, right: int, *, flip: bool, image: torch.Tensor = IMAGE) -> list[list[int]]:
    found: list[list[int]] = cropped(image, torch.tensor([down]), torch.tensor([right]), torch.tensor([flip]))[0, 0].tolist()
    return found


@pytest.mark.parametrize(("down", "right", "flip", "wanted"), [
    (PAD, PAD, False, [[1, 2, 3], [4, 5, 6]]),
    (PAD, PAD, True, [[3, 2, 1], [6, 5, 4]]),
    (PAD + 1, PAD, False, [[4, 5, 6], [0, 0, 0]]),
    (PAD - 1, PAD, False, [[0, 0, 0], [1, 2, 3]]),
    (PAD, PAD + 2, False, [[3, 0, 0], [6, 0, 0]]),
    (PAD, PAD + 2, True, [[0, 0, 3], [0, 0, 6]]),
    (PAD, PAD - 1, True, [[2, 1, 0], [5, 4, 0]]),
    (0, 0, False, [[0, 0, 0], [0, 0, 0]]),
    (2 * PAD, 2 * PAD, True, [[0, 0, 0], [0, 0, 0]]),
])
def test_a_crop_is_the_one_that_a_person_cuts(down: int, right: int, flip: bool, wanted: list[list[int]]) -> None:
    assert cut(down, right, flip=flip) == wanted


def slowly(images: torch.Tensor, down: torch.Tensor, right: torch.Tensor, flip: torch.Tensor) -> torch.Tensor:
    """Image by image, as the words say it."""
    height, width = images.shape[2:]
    made = []
    for image, top, left, mirrored in zip(images, down.tolist(), right.tolist(), flip.tolist(), strict=True):
        framed = torch.zeros(image.shape[0], height + 2 * PAD, width + 2 * PAD, dtype=torch.uint8)
        framed[:, PAD:PAD + height, PAD:PAD + width] = image
        crop = framed[:, top:top + height, left:left + width]
        made.append(crop.flip(2) if mirrored else crop)
    return torch.stack(made)


@examples(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 9), channels=st.sampled_from([1, 3]), height=st.integers(1, 12),
       width=st.integers(1, 12))
def test_a_batch_at_once_is_what_image_by_image_gives(seed: int, count: int, channels: int, height: int, width: int) -> None:
    chance = torch.Generator().manual_seed(seed)
    images = torch.randint(1, 256, (count, channels, height, width), generator=chance, dtype=torch.uint8)
    down, right = torch.randint(0, 2 * PAD + 1, (2, count), generator=chance)
    flip = torch.randint(0, 2, (count,), generator=chance).bool()
    made = cropped(images, down, right, flip)
    assert made.dtype is torch.uint8 and torch.equal(made, slowly(images, down, right, flip))


@examples(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), epoch=st.integers(1, 10_000))
def test_every_pixel_comes_from_its_image_or_from_the_frame(seed: int, epoch: int) -> None:
    images = (torch.arange(1, 21, dtype=torch.uint8)[:, None, None, None]).expand(20, 3, 6, 5)
    made = change("crop_flip", 20, seed=seed, epoch=epoch)(images, torch.arange(20))
    assert bool(((made == images) | (made == 0)).all()) and bool((made != 0).any())


def test_an_image_changes_alike_in_whichever_batch_it_comes() -> None:
    images = torch.randint(0, 256, (50, 3, 8, 8), dtype=torch.uint8)
    whole = change("crop_flip", 50, seed=3, epoch=2)(images, torch.arange(50))
    at = torch.tensor([41, 7, 30])
    assert torch.equal(change("crop_flip", 50, seed=3, epoch=2)(images[at], at), whole[at])


def test_each_epoch_and_each_seed_changes_them_otherwise_and_not_as_the_order_was_drawn() -> None:
    images = torch.randint(0, 256, (50, 1, 8, 8), dtype=torch.uint8)
    made = [change("crop_flip", 50, seed=seed, epoch=epoch)(images, torch.arange(50))
            for seed, epoch in ((3, 1), (3, 2), (4, 1))]
    assert not any(torch.equal(one, two) for one, two in zip(made, [*made[1:], made[0]], strict=True))
    low = 0xFFFF_FFFF
    assert all((seed * 1_000_003 + epoch) & low != ((seed * 1_000_003 + epoch) ^ augmentation.APART) & low
               for seed in range(9) for epoch in range(9))


def test_all_shifts_and_both_sides_are_drawn_about_equally_often() -> None:
    """Two sets of 8,100 draws in 81 and in 2 boxes; three standard deviations either way."""
    image = torch.zeros(1, 1, 3 * PAD, 3 * PAD, dtype=torch.uint8)
    image[0, 0, PAD, PAD], image[0, 0, PAD, PAD + 1] = 1, 2
    made = change("crop_flip", 8100, seed=1, epoch=1)(image.expand(8100, -1, -1, -1), torch.arange(8100))[:, 0]
    place = (made == 1).flatten(1).int().argmax(1)
    mirrored = (made == 2).flatten(1).int().argmax(1) < place
    across = torch.where(mirrored, 3 * PAD - 1 - place % (3 * PAD), place % (3 * PAD))
    for numbers, boxes in ((place // (3 * PAD), 2 * PAD + 1), (across, 2 * PAD + 1), (mirrored.long(), 2)):
        counts, wanted = numbers.bincount(minlength=boxes), 8100 / boxes
        assert len(counts) == boxes and (counts - wanted).abs().max() < 4 * wanted**0.5


def test_without_augmentation_the_images_are_those_of_the_data_set(digits: Data) -> None:
    part = digits.parts["train"]
    batches = order(len(part), 64, seed=7, epoch=1)
    nothing = change("none", len(part), seed=7, epoch=1)
    plain, changed = shuffled(digits, part, batches, CPU), shuffled(digits, part, batches, CPU, nothing)
    assert all(torch.equal(one[0], two[0]) for one, two in zip(plain, changed, strict=True))


def metrics(events: list[Event]) -> list[Metric]:
    return [event for event in events if isinstance(event, Metric)]


def run(network: torch.fx.GraphModule, data: Data, folder: Path, settings: Settings = SETTINGS) -> list[Metric]:
    return metrics(list(train(network, data, settings, variant="net", checkpoints=Context(folder).checkpoints)))


@pytest.mark.parametrize("killed", [1, 2])
def test_a_resumed_training_sees_the_same_changed_images(killed: int, fresh: Fresh, digits: Data, tmp_path: Path) -> None:
    straight, resumed = fresh(), fresh()
    expected = run(straight, digits, tmp_path / "straight")
    running = train(fresh(), digits, SETTINGS, variant="net", checkpoints=Context(tmp_path / "killed").checkpoints)
    for event in running:
        if isinstance(event, Metric) and event.step == killed + 1:
            running.close()
    assert run(resumed, digits, tmp_path / "killed") == expected
    assert all(torch.equal(one, two) for one, two in zip(straight.parameters(), resumed.parameters(), strict=True))


def test_training_is_changed_and_its_start_on_the_validation_part_is_not(fresh: Fresh, digits: Data, tmp_path: Path) -> None:
    plain = run(fresh(), digits, tmp_path / "plain", replace(SETTINGS, augment="none", epochs=1))
    changed = run(fresh(), digits, tmp_path / "changed", replace(SETTINGS, epochs=1))
    assert plain[0] == changed[0] and plain[0].labels["split"] == "validation"
    assert [one.value for one in plain if one.name == "loss"] != [two.value for two in changed if two.name == "loss"]


def test_nothing_but_training_steps_is_changed(
    fresh: Fresh, digits: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As many images are changed as the train part has, each epoch."""
    seen: list[int] = []

    def counting(images: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return cropped(images, *rest)

    monkeypatch.setattr(augmentation, "cropped", counting)
    train_part = digits.parts["train"]
    few = digits.parts | {"train": Part(train_part.images[:200], train_part.labels[:200])}
    run(fresh(), replace(digits, parts=few), tmp_path, replace(SETTINGS, epochs=2))
    assert sum(seen) == 2 * 200
