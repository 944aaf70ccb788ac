"""What goes to a board before it learns: the network's layers, and the images that are its own and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.worker.federated.real.boards import ordered
from tests.worker.federated.real.three import CLIENTS, course
from worker.datasets import files
from worker.dnn import files as networks
from worker.orders import DEVICE, HOSTED, SERVES


def test_each_board_has_its_own_images_in_their_order_and_none_of_the_others(tmp_path: Path) -> None:
    some = course()
    order = ordered(some, tmp_path)
    train = some.data.parts["train"]
    for part, (client, own) in enumerate(zip(CLIENTS, some.parts, strict=True), 2):
        parcel = order.facts[HOSTED][str(part)]
        assert parcel["facts"][SERVES] == DEVICE and parcel["facts"]["client"] == client
        layers, share = parcel["files"]
        data = files.read(tmp_path / share, ("train",))
        assert torch.equal(data.parts["train"].images, torch.as_tensor(train.images)[own])
        assert torch.equal(data.parts["train"].labels, torch.as_tensor(train.labels)[own])
        assert (data.mean, data.std) == (some.data.mean, some.data.std), "pixels mean the same everywhere"
        assert networks.load(tmp_path / layers).classes == some.data.classes
        with pytest.raises(ValueError, match="no validation part"):
            files.read(tmp_path / share)


def test_the_same_run_makes_the_same_files_so_that_boards_keep_what_they_have(tmp_path: Path) -> None:
    one, other = (ordered(course(), tmp_path / name) for name in ("one", "other"))
    assert one == other
    assert all((tmp_path / "one" / path).read_bytes() == (tmp_path / "other" / path).read_bytes() for path in one.files)
