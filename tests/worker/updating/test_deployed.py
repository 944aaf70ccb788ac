"""A device takes an update wholly or not at all, says why not, and goes back when the new network fails its trial."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
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


def served(board: Board) -> bytes:
    return (board.folder / "current").read_bytes()


def test_an_update_is_taken(board: Board) -> None:
    taken = board.deployed.take(board.update(1))
    assert (taken.version.number, taken.before) == (1, False)
    assert served(board) == board.new


def test_taken_twice_it_changes_nothing_and_is_no_error(board: Board) -> None:
    board.deployed.take(board.update(1))
    names = sorted(path.name for path in board.folder.iterdir())
    assert board.deployed.take(board.update(1)).before
    assert sorted(path.name for path in board.folder.iterdir()) == names
    assert served(board) == board.new


def test_an_older_number_is_refused(board: Board) -> None:
    board.deployed.take(signed(board.there, board.key, device=DEVICE, number=5))
    with pytest.raises(Refused, match="number 4; this device already has 5"):
        board.deployed.take(signed(board.back, board.key, device=DEVICE, number=4))
    with pytest.raises(Refused, match="number 5; this device already has 5"):
        board.deployed.take(signed(board.back, board.key, device=DEVICE, number=5))
    assert served(board) == board.new


def test_an_update_for_another_base_is_refused(board: Board, exported: bytes) -> None:
    other = moved(exported, 0.1, seed=5)
    with pytest.raises(Refused, match="made for another network"):
        board.deployed.take(signed(make(other, exported), board.key, device=DEVICE, number=1))
    assert served(board) == board.old


def test_an_update_may_begin_from_the_first_network_again(board: Board, exported: bytes) -> None:
    board.deployed.take(board.update(1))
    again = moved(exported, 0.2, seed=9)
    board.deployed.take(signed(make(exported, again), board.key, device=DEVICE, number=2))
    assert served(board) == again


def test_first_current_and_the_one_before_are_kept(board: Board) -> None:
    for number in range(1, 6):
        board.deployed.take(board.update(number))
    kept = sorted(int(path.name[:16]) for path in board.folder.glob("*.onnx"))
    assert kept == [3, 4, 5]  # the third brought its network whole


def test_a_device_without_a_network_takes_no_update(board: Board, tmp_path: Path) -> None:
    empty = Deployed(tmp_path / "empty", device=DEVICE, key=board.deployed.key)
    assert empty.recover() is None
    with pytest.raises(Refused, match="serves no network yet"):
        empty.take(board.update(1))


# The trial

def stored(board: Board, wrong: int = 0) -> trial.Batch:
    """A batch of which the new network gets all but `wrong` images right."""
    import onnxruntime

    images = np.random.default_rng(0).standard_normal((8, 1, 8, 8), dtype=np.float32)
    (answers,) = onnxruntime.InferenceSession(board.new).run(None, {"input": images})
    labels = answers.argmax(1)
    labels[:wrong] = (labels[:wrong] + 1) % 10
    return trial.keep(board.folder, images, labels)


def test_a_new_network_that_gets_enough_right_is_used(board: Board) -> None:
    batch = stored(board)
    body = signed(board.there, board.key, device=DEVICE, number=1, batch_sha256=batch.sha256, least_right=8)
    assert board.deployed.take(body).tried
    assert served(board) == board.new


def test_one_that_gets_too_few_right_is_not(board: Board) -> None:
    batch = stored(board, wrong=3)
    body = signed(board.there, board.key, device=DEVICE, number=1, batch_sha256=batch.sha256, least_right=6)
    with pytest.raises(Refused, match="gets 5 of 8 images right; at least 6"):
        board.deployed.take(body)
    assert served(board) == board.old
    assert len(list(board.folder.glob("*.onnx"))) == 1


def test_one_whose_answers_are_no_numbers_is_not(board: Board, exported: bytes) -> None:
    from worker.updating.places import places, put

    weight = next(place for place in places(exported) if place.is_weight)
    stored(board)
    broken = put(exported, {weight.name: np.full(weight.size, np.nan, np.float32)})
    with pytest.raises(Refused, match="no finite numbers"):
        board.deployed.take(signed(make(exported, broken), board.key, device=DEVICE, number=1))
    assert served(board) == board.old


def test_another_batch_than_the_portal_means_is_refused(board: Board) -> None:
    stored(board)
    with pytest.raises(Refused, match="a batch that this device does not have"):
        board.deployed.take(signed(board.there, board.key, device=DEVICE, number=1, batch_sha256="0" * 64, least_right=1))
    assert served(board) == board.old


def test_a_device_without_onnx_runtime_says_that_it_did_not_try(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    taken = board.deployed.take(signed(board.there, board.key, device=DEVICE, number=1, batch_sha256="0" * 64, least_right=1))
    assert not taken.tried
    assert served(board) == board.new


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04 garbage", b"\x93NUMPY\x01\x00v", None], ids=["empty", "zip", "npy", "cut"])
def test_a_damaged_batch_is_none(board: Board, body: bytes | None) -> None:
    batch = stored(board)
    file = board.folder / trial.NAME
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if body is None else body)
    assert trial.kept(board.folder) is None
    asking = signed(board.there, board.key, device=DEVICE, number=1, batch_sha256=batch.sha256, least_right=8)
    with pytest.raises(Refused, match="a batch that this device does not have"):
        board.deployed.take(asking)


def test_of_a_batch_no_turned_bits_are_more_than_a_missing_batch(board: Board) -> None:
    stored(board)
    file, chance = board.folder / trial.NAME, np.random.default_rng(3)
    whole = file.read_bytes()
    for _ in range(200):
        turned = bytearray(whole)
        turned[chance.integers(len(turned))] ^= 1 << chance.integers(8)
        file.write_bytes(turned)
        trial.kept(board.folder)


def test_a_batch_that_came_beside_is_stored_where_it_is_the_one_that_was_signed(board: Board, tmp_path: Path) -> None:
    batch = stored(board)
    (board.folder / trial.NAME).rename(tmp_path / "brought")
    asking = signed(board.there, board.key, device=DEVICE, number=1, batch_sha256=batch.sha256, least_right=8)
    assert board.deployed.take(asking, tmp_path / "brought").tried
    assert (board.folder / trial.NAME).read_bytes() == (tmp_path / "brought").read_bytes()


def test_another_batch_that_came_beside_is_not_stored(board: Board, tmp_path: Path) -> None:
    batch = stored(board)
    other = trial.keep(tmp_path, np.zeros((2, 1, 8, 8), np.float32), np.zeros(2, np.int64))
    assert other.sha256 != batch.sha256
    asking = signed(board.there, board.key, device=DEVICE, number=1, batch_sha256=batch.sha256, least_right=8)
    assert board.deployed.take(asking, tmp_path / trial.NAME).tried
    held = trial.kept(board.folder)
    assert held is not None
    assert held.sha256 == batch.sha256


def test_what_cannot_be_run_has_finite_numbers_at_least(board: Board, exported: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from worker.updating.places import places, put

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    weight = next(place for place in places(exported) if place.is_weight)
    broken = put(exported, {weight.name: np.full(weight.size, np.nan, np.float32)})
    with pytest.raises(Refused, match=f"Not all numbers of its tensor {weight.name} are finite"):
        board.deployed.take(signed(make(exported, broken), board.key, device=DEVICE, number=1))
    assert served(board) == board.old


def test_taken_once_more_it_still_says_whether_it_was_tried(board: Board) -> None:
    batch = stored(board)
    body = signed(board.there, board.key, device=DEVICE, number=1, batch_sha256=batch.sha256, least_right=8)
    assert board.deployed.take(body).tried
    again = board.deployed.take(body)
    assert again.before
    assert again.tried


def test_a_full_disk_changes_nothing(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused, match="could not be written"):
        board.deployed.take(board.update(1))
    monkeypatch.undo()
    assert served(board) == board.old
    assert not list(board.folder.glob("*.tmp"))


# After a start

def test_leftovers_of_a_cut_go_and_the_link_decides(board: Board) -> None:
    board.deployed.take(board.update(1))
    (board.folder / "0000000000000002-half.onnx.77-ab.tmp").write_bytes(b"half")
    beside = board.folder / f"{2:016d}-{'a' * 64}.onnx"
    beside.write_bytes(b"written, never switched to")
    version = board.deployed.recover()
    assert version is not None
    assert version.number == 1
    assert not beside.exists()
    assert not list(board.folder.glob("*.tmp"))


def test_a_damaged_network_gives_way_to_the_one_before(board: Board) -> None:
    board.deployed.take(board.update(1))
    current = board.deployed.current()
    assert current is not None
    current.file.write_bytes(current.file.read_bytes()[:-3])
    version = board.deployed.recover()
    assert version is not None
    assert version.number == 0
    assert served(board) == board.old
    board.deployed.take(board.update(1))
    assert served(board) == board.new


def test_what_a_device_runs_loads_no_torch(board: Board) -> None:
    (board.folder / "update").write_bytes(board.update(1))
    program = (f"import sys; from pathlib import Path; from worker.updating.deployed import Deployed; "
               f"d = Deployed(Path({str(board.folder)!r}), device={DEVICE!r}, key={board.deployed.key!r}); "
               f"print(d.take((d.folder / 'update').read_bytes()).version.number); "
               "assert not {'torch', 'onnx', 'safetensors', 'pydantic', 'django'} & set(sys.modules)")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
