"""What training a network needs of memory: what the child of the desk answers to an order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.inspection.desk import Desk
from worker.dnn import architectures, files
from worker.firstlook import Unfit
from worker.inspection.order import NeedsFound
from worker.training.fitted import answer


@pytest.fixture
def network(desk: Desk) -> Path:
    path = desk.folder / "net.safetensors"
    made = architectures.build("resnet20", 5, (3, 16, 16), width=0.25, seed=1)
    files.save(made, path, in_shape=(3, 16, 16), classes=5, name="n")
    return path


def test_every_way_of_training_is_rehearsed_and_nothing_is_left_behind(desk: Desk, network: Path) -> None:
    found = desk.inspect("needs", network)
    assert isinstance(found, NeedsFound) and desk.steps == ["reading", "rehearsing"]
    told = answer(found.needs, 100_000_000)
    assert all(way.fits and way.batch and way.batch > 2 for way in told.methods.values()) and len(told.methods) == 4
    assert list((desk.folder / "out").iterdir()) == []


def test_another_file_is_refused_in_a_sentence(desk: Desk) -> None:
    with pytest.raises(Unfit, match="not a safetensors file"):
        desk.inspect("needs", desk.file(b"no network"))
