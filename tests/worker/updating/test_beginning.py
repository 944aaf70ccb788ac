"""A portal brings a first network: signed as an update is, with the next number, and nothing older comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.power_cuts import DEVICE, Board
from tests.worker.updating.versions_made import moved
from worker.addressed import Refused, signed
from worker.updating import trial
from worker.updating.change import make
from worker.updating.deployed import Deployed


@pytest.fixture
def board(exported: bytes, tmp_path: Path) -> Board:
    return Board(tmp_path / "network", exported, moved(exported, 0.1))


@pytest.fixture
def bare(board: Board, tmp_path: Path) -> Deployed:
    """A device that serves nothing yet."""
    return Deployed(tmp_path / "bare", device=DEVICE, key=board.deployed.key)


def first(board: Board, body: bytes, number: int, **more: object) -> bytes:
    return signed(body, board.key, device=DEVICE, number=number, kind="first", **more)  # type: ignore[arg-type]


def served(deployed: Deployed) -> bytes:
    return (deployed.folder / "current").read_bytes()


def test_a_device_that_serves_nothing_takes_a_first_network(board: Board, bare: Deployed) -> None:
    taken = bare.take(first(board, board.new, 1))
    assert (taken.version.number, taken.version.is_first, served(bare)) == (1, True, board.new)


def test_updates_follow_a_first_network_and_may_begin_from_it_again(board: Board, bare: Deployed, exported: bytes) -> None:
    bare.take(first(board, exported, 4))
    bare.take(signed(board.there, board.key, device=DEVICE, number=5))
    again = moved(exported, 0.2, seed=9)
    bare.take(signed(make(exported, again), board.key, device=DEVICE, number=6))
    assert served(bare) == again
    assert bare.first() is not None
    assert bare.first().number == 4  # type: ignore[union-attr]


def test_a_first_network_takes_the_place_of_another(board: Board, bare: Deployed) -> None:
    bare.take(first(board, board.old, 1))
    bare.take(signed(board.there, board.key, device=DEVICE, number=2))
    other = moved(board.old, 0.3, seed=4)
    bare.take(first(board, other, 3))
    assert served(bare) == other
    assert sorted(int(path.name[:16]) for path in bare.folder.glob("*.onnx")) == [2, 3]


def test_an_older_first_network_is_refused(board: Board, bare: Deployed) -> None:
    bare.take(first(board, board.old, 7))
    for number in (6, 7):
        with pytest.raises(Refused, match=f"number {number}; this device already has 7"):
            bare.take(first(board, board.new, number))
    assert served(bare) == board.old


def test_an_update_older_than_the_first_network_is_refused(board: Board, bare: Deployed) -> None:
    bare.take(first(board, board.old, 7))
    with pytest.raises(Refused, match="numbers only rise"):
        bare.take(signed(board.there, board.key, device=DEVICE, number=6))


def test_a_first_network_of_nobodys_is_refused(board: Board, bare: Deployed) -> None:
    body = first(board, board.new, 1)
    with pytest.raises(Refused, match="not signed by the portal"):
        Deployed(bare.folder, device=DEVICE, key=b"?" * 32).take(body)
    assert bare.current() is None


def test_a_network_that_was_signed_as_a_change_is_none(board: Board, bare: Deployed) -> None:
    bare.take(first(board, board.old, 1))
    with pytest.raises(Refused, match="no change of a network"):
        bare.take(signed(board.new, board.key, device=DEVICE, number=2))
    assert served(bare) == board.old


def test_what_is_no_network_is_refused(board: Board, bare: Deployed) -> None:
    with pytest.raises(Refused):
        bare.take(first(board, b"no network at all", 1))
    assert bare.current() is None


def test_taken_twice_it_changes_nothing(board: Board, bare: Deployed) -> None:
    bare.take(first(board, board.new, 1))
    names = sorted(path.name for path in bare.folder.iterdir())
    assert bare.take(first(board, board.new, 1)).before
    assert sorted(path.name for path in bare.folder.iterdir()) == names


def test_nobody_begins_by_hand_where_a_portal_did(board: Board, bare: Deployed) -> None:
    bare.take(first(board, board.new, 1))
    with pytest.raises(Refused, match="A portal brought the network"):
        bare.begin(board.old)
    assert served(bare) == board.new


def test_a_batch_of_the_network_before_does_not_judge_a_first_one_that_brings_none(board: Board, bare: Deployed) -> None:
    import numpy as np

    trial.keep(bare.folder, np.zeros((2, 3, 5, 5), np.float32), np.zeros(2, np.int64))
    assert not bare.take(first(board, board.new, 1)).tried
    assert trial.kept(bare.folder) is None
