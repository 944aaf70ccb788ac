"""Checkpoints survive crashes and damage; live parameters change only where they may."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.context import Checkpoints, Context, DatasetInput, ModelInput
from worker.params import Params, param


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
