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
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_kill_cancels_keeps_checkpoints_tells_how_to_go_on_and_is_no_success(
    number: signal.Signals, tmp_path: Path,
) -> None:
    words = [sys.executable, "-m", "worker", *WORDS, "--epochs", "5000", "--out", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            if '"step":2' in line:
                os.kill(process.pid, number)
                break
        rest, told = process.stdout.read(), process.stderr.read()
    assert process.returncode == 1
    assert json.loads(rest.splitlines()[-1])["type"] == "cancelled"
    assert list((tmp_path / "checkpoints").glob("training-*.ckpt"))
    assert told == f"stopped; the same command with --out {tmp_path} goes on from the last checkpoint\n"


def attempt(out: str) -> int:
    found = json.loads(out.splitlines()[0])["attempt"]
    assert isinstance(found, int)
    return found


def test_a_finished_run_tells_its_result_again_and_says_so(cli: Cli, tmp_path: Path) -> None:
    _, first, quiet = cli(*WORDS, "--epochs", "1", "--out", str(tmp_path))
    code, again, told = cli(*WORDS, "--epochs", "1", "--out", str(tmp_path))
    assert (code, quiet, told) == (0, "", "this run has already finished; its result again\n")
    verdicts = [json.loads(out.splitlines()[-1])["summary"]["verdict"] for out in (first, again)]
    assert verdicts[0] == verdicts[1]


def test_attempts_in_one_folder_are_counted(cli: Cli, tmp_path: Path) -> None:
    outs = [cli(*WORDS, "--epochs", "1", "--out", str(tmp_path))[1] for _ in range(3)]
    assert [attempt(out) for out in outs] == [1, 2, 3]


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"attempts": null, "finished": 1}', b"\xff"])
def test_a_damaged_count_begins_anew(cli: Cli, damage: bytes, tmp_path: Path) -> None:
    (tmp_path / "attempts.json").write_bytes(damage)
    code, out, err = cli(*WORDS, "--epochs", "1", "--out", str(tmp_path))
    assert (code, attempt(out), err) == (0, 1, "")


def test_a_run_that_failed_has_not_finished(cli: Cli, tmp_path: Path) -> None:
    words = (*WORDS, "--epochs", "1", "--learning-rate", "10", "--clip-norm", "0", "--out", str(tmp_path))
    assert cli(*words)[0] == 1
    code, out, err = cli(*words)
    last = json.loads(out.splitlines()[-1])
    assert (code, err, attempt(out), last["type"]) == (1, "", 2, "failed")
    assert "diverged in epoch 1" in last["reason"]


def test_without_a_folder_the_run_says_where_its_files_are(cli: Cli) -> None:
    code, _, err = cli(*WORDS, "--epochs", "0")
    assert code == 0 and err.startswith("files: ") and err.count("\n") == 1
