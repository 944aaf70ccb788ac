"""A network whose trial ended the process is used by nobody: not after a start, not as a first network, not as the one before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.power_cuts import DEVICE, Board
from tests.worker.updating.versions_made import moved
from worker.addressed import Refused, signed
from worker.updating.change import make
from worker.updating.deployed import Deployed

Crash = Callable[[Deployed, bytes], None]


class Crashed(BaseException):
    """The process is gone, and what it did not do stays undone."""


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch) -> Crash:
    def crashed(deployed: Deployed, body: bytes) -> None:
        def gone(*_: object) -> None:
            raise Crashed

        with monkeypatch.context() as patched, pytest.raises(Crashed):
            patched.setattr(Deployed, "_tried", gone)
            deployed.take(body)

    return crashed


@pytest.fixture
def board(exported: bytes, tmp_path: Path) -> Board:
    return Board(tmp_path / "network", exported, moved(exported, 0.1))


@pytest.fixture
def bare(board: Board, tmp_path: Path) -> Deployed:
    return Deployed(tmp_path / "bare", device=DEVICE, key=board.deployed.key)


def first(board: Board, body: bytes, number: int) -> bytes:
    return signed(body, board.key, device=DEVICE, number=number, kind="first")


def change(board: Board, old: bytes, new: bytes, number: int) -> bytes:
    return signed(make(old, new), board.key, device=DEVICE, number=number)


def networks(deployed: Deployed) -> list[Path]:
    return sorted(deployed.folder.glob("*.onnx"))


def test_a_bare_device_serves_nothing_after_its_first_network_ended_the_trial(board: Board, bare: Deployed, crash: Crash) -> None:
    crash(bare, first(board, board.new, 1))
    assert networks(bare)
    assert bare.recover() is None
    assert bare.current() is None
    assert not networks(bare)


def test_a_bare_device_takes_the_next_one(board: Board, bare: Deployed, crash: Crash) -> None:
    crash(bare, first(board, board.new, 1))
    assert bare.take(first(board, board.old, 2)).version.number == 2
    assert [path.name[:16] for path in networks(bare)] == [f"{2:016d}"]


def test_a_first_network_that_ended_its_trial_is_no_first_of_what_follows(board: Board, bare: Deployed, crash: Crash) -> None:
    bare.take(first(board, board.old, 1))
    other = moved(board.old, 1.0, seed=9)
    crash(bare, first(board, other, 2))
    bare.take(change(board, board.old, board.new, 3))
    begun = bare.first()
    assert begun is not None
    assert begun.number == 1
    again = moved(board.old, 0.2, seed=5)
    bare.take(change(board, board.old, again, 4))
    assert (bare.folder / "current").read_bytes() == again


def test_what_is_gone_back_to_is_never_one_that_ended_its_trial(board: Board, bare: Deployed, crash: Crash) -> None:
    bare.take(first(board, board.old, 1))
    crash(bare, first(board, moved(board.old, 1.0, seed=9), 2))
    held = bare.current()
    assert held is not None
    held.file.write_bytes(b"\x08damaged")
    assert bare.recover() is None
    assert [path.name[:16] for path in networks(bare)] == [f"{1:016d}"]


def test_after_a_damage_no_older_one_that_was_never_taken_comes(board: Board, bare: Deployed) -> None:
    bare.take(first(board, board.old, 1))
    update = change(board, board.old, board.new, 5)
    damaged = bare.take(update).version
    damaged.file.write_bytes(b"\x08damaged")
    back = bare.recover()
    assert back is not None
    assert back.number == 1
    for number in (3, 5):
        with pytest.raises(Refused, match=f"number {number}; this device already has 5"):
            bare.take(change(board, board.old, moved(board.old, 0.3, seed=4), number))
    assert bare.take(update).version.number == 5, "the very same one repairs it"
    assert (bare.folder / "current").read_bytes() == board.new


def test_the_very_same_first_network_repairs_a_device_that_has_nothing_to_go_back_to(board: Board, bare: Deployed) -> None:
    bare.take(first(board, board.old, 4)).version.file.write_bytes(b"\x08damaged")
    with pytest.raises(Refused, match="number 3; this device already has 4"):
        bare.take(first(board, board.new, 3))
    taken = bare.take(first(board, board.old, 4))
    assert not taken.before
    assert (bare.folder / "current").read_bytes() == board.old


def test_cut_before_it_is_switched_to_the_very_same_one_may_come_again(
    board: Board, bare: Deployed, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(*_: object) -> None:
        raise Crashed

    with monkeypatch.context() as patched, pytest.raises(Crashed):
        patched.setattr(Deployed, "_switch", gone)
        bare.take(first(board, board.new, 2))
    assert bare.recover() is None
    with pytest.raises(Refused, match="already has 2"):
        bare.take(first(board, board.old, 1))
    assert bare.take(first(board, board.new, 2)).version.number == 2


def test_who_begins_anew_by_hand_begins_to_count_anew(board: Board) -> None:
    board.deployed.take(board.update(1))
    board.deployed.take(board.update(2))
    board.deployed.begin(board.old)
    assert board.deployed.take(board.update(1)).version.number == 1
