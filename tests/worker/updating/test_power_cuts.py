"""Killed at any moment while it takes an update, a device has the old network or the new one, and knows which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.power_cuts import Board, bare_cuts, cuts
from tests.worker.updating.versions_made import moved
from worker.updating import deployed as inside
from worker.updating import trial

TIMES, BARE_TIMES = 15, 6


@pytest.mark.kill
def test_kill_9_at_moments_drawn_by_lot_leaves_old_or_new(exported: bytes, tmp_path: Path) -> None:
    board = Board(tmp_path / "network", exported, moved(exported, 0.1))
    found = cuts(board, TIMES)
    assert len(found) == TIMES
    # It works on after all of them.
    held = board.deployed.recover()
    assert held is not None
    board.deployed.take(board.update(held.number + 1))
    assert (board.folder / "current").read_bytes() == board.rightly(held.number + 1)


@pytest.mark.kill
def test_a_bare_device_killed_over_its_first_network_serves_nothing_or_a_whole_one(exported: bytes, tmp_path: Path) -> None:
    (tmp_path / "brought").mkdir()
    trial.keep(tmp_path / "brought", np.zeros((4, 1, 8, 8), np.float32), np.zeros(4, np.int64))
    new, boards = moved(exported, 0.1), dict[int, Board]()

    def board(number: int) -> Board:
        boards[number] = Board(tmp_path / f"bare-{number}", exported, new, bare=True, batch=tmp_path / "brought")
        return boards[number]

    found = bare_cuts(board, BARE_TIMES)
    assert len(found) == BARE_TIMES
    # Each works on after its cut, and tries what it takes.
    for number, (_, held) in enumerate(found, 1):
        assert boards[number].take(held + 1).tried == trial.is_possible()


class Cut(BaseException):
    """The power is gone: nothing of what follows happens, no clearing up either."""


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.999, 1])
def test_cut_while_the_new_file_is_written_the_old_one_serves(
    exported: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float,
) -> None:
    board = Board(tmp_path / "network", exported, moved(exported, 0.1))

    def half(path: Path, body: bytes) -> None:
        path.with_name(path.name + ".1-2.tmp").write_bytes(body[: int(share * len(body))])
        raise Cut

    monkeypatch.setattr(inside, "write_durably", half)
    with pytest.raises(Cut):
        board.deployed.take(board.update(1))
    monkeypatch.undo()
    version = board.deployed.recover()
    assert version is not None
    assert version.number == 0
    assert (board.folder / "current").read_bytes() == board.old


@pytest.mark.parametrize("sent", [1, 3], ids=["a change", "a first network"])
@pytest.mark.parametrize("moment", ["_tried", "_switch", "_tidy"])
def test_cut_between_two_steps_one_of_both_serves(
    exported: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, sent: int,
) -> None:
    number = sent if moment == "_tidy" else 0
    board = Board(tmp_path / "network", exported, moved(exported, 0.1))

    def gone(*_: object) -> None:
        raise Cut

    if moment == "_tidy":  # the second time: the first is before anything is written
        monkeypatch.setattr(inside.Deployed, "_in_order", lambda deployed: deployed.current())
    monkeypatch.setattr(inside.Deployed, moment, gone)
    with pytest.raises(Cut):
        board.deployed.take(board.update(sent))
    monkeypatch.undo()
    version = board.deployed.recover()
    assert version is not None
    assert version.number == number
    assert (board.folder / "current").read_bytes() == board.rightly(number)
    board.deployed.take(board.update(sent))
    assert (board.folder / "current").read_bytes() == board.new
