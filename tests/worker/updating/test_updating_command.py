"""From a run's change to a device's network, in a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.updating.versions_made import moved
from worker.updating.change import make


def told(*words: object) -> dict[str, object]:
    done = asked(*words)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def asked(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "worker.updating", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def served(exported: bytes, tmp_path: Path) -> tuple[Path, str]:
    """A device's folder with a network, and the public key; a signed update lies in `update`."""
    (tmp_path / "first.onnx").write_bytes(exported)
    (tmp_path / "round-1.change").write_bytes(make(exported, moved(exported, 0.1)))
    public = str(told("key", tmp_path / "secret")["public"])
    told("sign", tmp_path / "round-1.change", tmp_path / "update", "--key", tmp_path / "secret", "--device", "camera",
         "--number", 1)
    assert told("begin", tmp_path / "first.onnx", "--folder", tmp_path / "device")["number"] == 0
    return tmp_path / "device", public


def test_a_change_is_signed_taken_and_shown(served: tuple[Path, str], exported: bytes, tmp_path: Path) -> None:
    folder, public = served
    words = ("take", tmp_path / "update", "--folder", folder, "--device", "camera", "--public", public)
    assert told(*words)["before"] is False
    assert told(*words)["before"] is True
    assert told("show", "--folder", folder)["number"] == 1
    assert (folder / "current").read_bytes() == moved(exported, 0.1)


def test_what_is_refused_ends_with_2_and_one_sentence(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, public = served
    for device, key, why in (("lamp", public, "for the device camera, and this is lamp"), ("camera", "00" * 32, "not signed by")):
        done = asked("take", tmp_path / "update", "--folder", folder, "--device", device, "--public", key)
        assert done.returncode == 2
        assert why in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert told("show", "--folder", folder)["number"] == 0


def test_a_secret_key_is_never_written_over_and_is_its_owners_alone(tmp_path: Path) -> None:
    told("key", tmp_path / "secret")
    body = (tmp_path / "secret").read_bytes()
    done = asked("key", tmp_path / "secret")
    assert (done.returncode, (tmp_path / "secret").read_bytes()) == (2, body)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
