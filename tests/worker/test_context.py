"""Checkpoints survive crashes and damage; live parameters change only where they may."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from worker.context import Checkpoints, Context, DatasetInput, ModelInput, write_durably
from worker.params import Params, param
from worker.reasons import DISK, FILE_SIZE


class Knobs(Params):
    speed: int = param(1, help="how fast", live=True)
    size: int = param(1, help="how large")


def test_the_last_step_comes_back_whole(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save("net", 1, b"one", {"loss": 0.1})
    checkpoints.save("net", 2, b"two", {"loss": 0.05})
    assert checkpoints.last("net") == (2, b"two", {"loss": 0.05})


def test_only_the_last_two_of_a_name_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for step in range(5):
        checkpoints.save("net", step, b"", {})
    checkpoints.save("other", 0, b"", {})
    assert len(list(tmp_path.glob("net-*.ckpt"))) == 2
    assert checkpoints.last("other") == (0, b"", {})


def test_names_with_dashes_are_told_apart(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save("training-net", 1, b"a", {})
    checkpoints.save("training-net-2", 5, b"b", {})
    assert checkpoints.last("training-net") == (1, b"a", {})
    assert checkpoints.last("training") is None


@pytest.mark.parametrize("damage", [lambda body: body[:-3], lambda body: b"", lambda body: body[:9] + b"X" + body[10:]])
def test_a_damaged_file_gives_the_step_before(tmp_path: Path, damage: object) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save("net", 1, b"one", {})
    checkpoints.save("net", 2, b"two", {})
    newest = max(tmp_path.glob("*.ckpt"))
    newest.write_bytes(damage(newest.read_bytes()))  # type: ignore[operator]
    assert checkpoints.last("net") == (1, b"one", {})


def test_a_write_that_was_cut_off_is_no_checkpoint(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    (tmp_path / "net-00000003-0123456789abcdef.ckpt.tmp").write_bytes(b"half")
    assert checkpoints.last("net") is None and not checkpoints.any()


def test_two_attempts_may_write_the_same_file_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "file", os.fsync

    def meanwhile(handle: int) -> None:
        monkeypatch.setattr(os, "fsync", synced)
        write_durably(path, b"the other attempt's, and longer")
        synced(handle)

    monkeypatch.setattr(os, "fsync", meanwhile)
    write_durably(path, b"this attempt's")
    assert path.read_bytes() == b"this attempt's" and [each.name for each in tmp_path.iterdir()] == ["file"]


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    bodies = [bytes([number]) * 300_000 for number in range(8)]
    with ThreadPoolExecutor(len(bodies)) as writers:
        for _ in range(5):
            list(writers.map(lambda body: write_durably(tmp_path / "file", body), bodies))
            assert (tmp_path / "file").read_bytes() in bodies
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException,
) -> None:
    def fail(handle: int) -> None:
        raise error

    write_durably(tmp_path / "file", b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        write_durably(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


FULL = """
import resource, signal, sys
from pathlib import Path
from worker.context import Checkpoints
from worker.reasons import reason
checkpoints, limited = Checkpoints(Path(sys.argv[1])), sys.argv[2] == "limit"
for step in (1, 2):
    checkpoints.save("net", step, bytes(300_000), {"loss": step})
if limited:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
before = sorted(path.name for path in checkpoints.folder.iterdir())
try:
    checkpoints.save("net", 3, bytes(500_000), {"loss": 3})
except OSError as error:
    print(reason(error))
step, tensors, facts = checkpoints.last("net")
assert (step, len(tensors), facts) == (2, 300_000, {"loss": 2})
assert sorted(path.name for path in checkpoints.folder.iterdir()) == before, "nothing half is left"
"""


def filled(folder: Path, how: str) -> str:
    done = subprocess.run([sys.executable, "-c", FULL, str(folder), how], cwd=Path(__file__).parents[2],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_checkpoint_beyond_the_file_limit_leaves_the_one_before(tmp_path: Path) -> None:
    assert filled(tmp_path, "limit") == FILE_SIZE


def test_a_checkpoint_on_a_full_disk_leaves_the_one_before(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", str(tmp_path)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk here")
    try:
        assert filled(tmp_path, "disk") == DISK
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_saving_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    Checkpoints(tmp_path, lambda name, step: told.append((name, step))).save("net", 4, b"", {})
    assert told == [("net", 4)]


def test_a_live_parameter_changes_and_the_others_do_not(tmp_path: Path) -> None:
    context = Context(tmp_path, changes=lambda: {"speed": 9, "size": 9})
    assert context.live(Knobs()) == Knobs(speed=9)


def test_inputs_are_found_by_the_name_of_their_field(tmp_path: Path) -> None:
    context = Context(tmp_path / "deep" / "run", {"model": ModelInput("m"), "dataset": DatasetInput("d")})
    assert (context.model().name, context.dataset().name) == ("m", "d")
    assert (tmp_path / "deep" / "run" / "checkpoints").is_dir()
