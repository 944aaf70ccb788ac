"""A network that no file brings: drawn by lot, the same for a seed, or refused before anything is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from worker.dnn import files
from worker.firstlook import Unfit
from worker.inspection.inspecting import inspect
from worker.inspection.order import Fresh, ModelFound, Order


def made(folder: Path, architecture: str = "lenet5", in_shape: tuple[int, int, int] = (1, 8, 8), **drawn: Any) -> ModelFound:
    folder.mkdir(exist_ok=True)
    order = Order(kind="model", file=str(folder / "none"), folder=str(folder), name="net", architecture=architecture, classes=10,
                  in_shape=in_shape, fresh=Fresh(**drawn))
    found = inspect(order, lambda name, detail="": None)
    assert isinstance(found, ModelFound)
    return found


def test_it_is_untrained_and_says_so(tmp_path: Path) -> None:
    found = made(tmp_path, seed=3)
    loaded = files.load(tmp_path / found.file)
    assert not loaded.trained and (loaded.in_shape, loaded.classes) == ((1, 8, 8), 10)
    assert found.notes == ["Nobody trained it: it is lenet5 of width 1, its weights drawn by lot with seed 3."]
    assert found.onnx and found.parity


def test_a_seed_draws_the_same_weights_and_another_one_others(tmp_path: Path) -> None:
    one, same, other = (made(tmp_path / name, seed=seed) for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    bodies = [(tmp_path / name / found.file).read_bytes() for name, found in (("a", one), ("b", same), ("c", other))]
    assert bodies[0] == bodies[1] != bodies[2]


def test_width_scales_it(tmp_path: Path) -> None:
    assert made(tmp_path / "wide", width=2).facts.params > 3 * made(tmp_path / "one").facts.params


@pytest.mark.parametrize(("architecture", "in_shape", "drawn", "words"), [
    ("vgg11", (1, 8, 8), {}, "vgg11 needs images of at least 16x16 pixels; 1x8x8 is too small."),
    ("resnet50", (3, 32, 32), {"width": 4, "most_bytes": 1_000_000}, "there is room for 1,000,000."),
    ("resnet18", (3, 65_536, 65_536), {}, "would have more than 268435456 numbers"),
])
def test_what_does_not_fit_is_refused_before_anything_is_drawn(
    tmp_path: Path, architecture: str, in_shape: tuple[int, int, int], drawn: dict[str, Any], words: str,
) -> None:
    with pytest.raises(Unfit, match=words):
        made(tmp_path, architecture, in_shape, **drawn)
    assert not list(tmp_path.iterdir())
