"""A run on the command line: JSON lines, the last one is Finished; a stopped run goes on in its folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]
WORDS = ("run", "training.backprop", "--model", "lenet5", "--dataset", "digits")


def test_every_line_is_an_event_and_the_last_is_finished_with_its_summary(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli(*WORDS, "--epochs", "1", "--out", str(tmp_path))
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert lines[0]["type"] == "started" and lines[-1]["type"] == "finished"
    assert lines[-1]["summary"]["epoch_equivalents"] == 1


def test_values_may_follow_an_equals_sign_and_flags_may_have_dashes_or_not(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("run", "pruning.reconvene", "--model=lenet5", "--dataset=digits", "--batch_size=32",
                       "--no-reference", "--epochs=1", "--out", str(tmp_path))
    assert code == 0
    assert json.loads((tmp_path / "run.json").read_text())["params"]["reference"] is False
    assert '"variant":"dense","split"' not in out


def test_a_preset_is_a_start_that_flags_change(cli: Cli, tmp_path: Path) -> None:
    code, _, _ = cli(*WORDS, "--preset", "quick look", "--batch-size", "200", "--out", str(tmp_path))
    params = json.loads((tmp_path / "run.json").read_text())["params"]
    assert code == 0 and (params["epochs"], params["batch_size"]) == (3, 200)


def test_the_same_run_in_the_same_folder_is_resumed(cli: Cli, tmp_path: Path) -> None:
    first = cli(*WORDS, "--epochs", "2", "--out", str(tmp_path))[1]
    again = cli(*WORDS, "--epochs", "2", "--out", str(tmp_path))[1]
    assert json.loads(again.splitlines()[0])["resumed"] is True
    assert metrics(first) == metrics(again)


def metrics(out: str) -> list[tuple[str, int | None, float]]:
    lines = [json.loads(line) for line in out.splitlines()]
    return [(line["name"], line["step"], line["value"]) for line in lines
            if line["type"] == "metric" and "seconds" not in line["name"]]


@pytest.mark.kill
def test_a_polite_kill_cancels_keeps_checkpoints_and_is_no_success(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "worker", *WORDS, "--epochs", "5000", "--out", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"step":2' in line:
                os.kill(process.pid, signal.SIGTERM)
                break
        rest = process.stdout.read()
    assert process.returncode == 1
    assert json.loads(rest.splitlines()[-1])["type"] == "cancelled"
    assert list((tmp_path / "checkpoints").glob("training-*.ckpt"))
