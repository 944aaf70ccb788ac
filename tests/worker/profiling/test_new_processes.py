"""Loading is measured in processes that did nothing before, and so is memory."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from worker.dnn import architectures, export
from worker.profiling import fresh
from worker.profiling.fresh import Broke, drop_from_cache, started
from worker.profiling.loading import Loaded

COLD = "worker.profiling.cold"


def finished(running: Generator[None, None, dict[str, Any]]) -> dict[str, Any]:
    while True:
        try:
            next(running)
        except StopIteration as end:
            found: dict[str, Any] = end.value
            return found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    export.to_onnx(architectures.build("lenet5", seed=1), (3, 32, 32), path)
    return path


def program(folder: Path, body: str) -> str:
    """A module that a new process can run from that folder."""
    (folder / "program.py").write_text(body)
    return "program"


def test_each_is_a_process_of_its_own_with_memory_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    body = ("import json, os, sys\nfrom worker.profiling.cold import resident_bytes\n"
            "print(json.dumps({'pid': os.getpid(), 'bytes': resident_bytes(), 'torch': 'torch' in sys.modules}))")
    ballast = bytearray(os.urandom(1)) * 100_000_000
    found = [finished(started([program(tmp_path, body)], threads=1)) for _ in range(2)]
    assert len({each["pid"] for each in found} | {os.getpid()}) == 3
    assert all(each["bytes"] < len(ballast) and not each["torch"] for each in found)


def test_loading_tells_every_step_and_what_the_network_takes_beside_the_runtime(file: Path) -> None:
    told = finished(started([COLD, str(file), "1", "1", "3"], threads=1))
    assert min(told["import_ns"], told["load_ns"], told["first_ns"], *told["warm_load_ns"]) > 0
    assert len(told["warm_load_ns"]) == 3
    found = Loaded((told | {"dropped": True},))
    # The file is 87 kB; all that is more is what ONNX Runtime keeps for a session.
    assert found.peak_bytes is None or 0 < found.peak_bytes < 100e6


def test_the_runtime_reports_to_nobody(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    finished(started([COLD, str(file), "1", "1", "1"], threads=1))
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_do_it_says_why(tmp_path: Path) -> None:
    with pytest.raises(Broke, match="NO_SUCHFILE"):
        finished(started([COLD, str(tmp_path / "none.onnx"), "1", "1", "1"], threads=1))


def test_nobody_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(fresh, "LIMIT_S", 0.3)
    with pytest.raises(Broke, match="not done"):
        finished(started([program(tmp_path, "import time\ntime.sleep(60)")], threads=1))


def test_it_ends_with_whoever_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    body = f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    running = started([program(tmp_path, body)], threads=1)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        next(running)
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_dropping_a_file_from_the_cache_never_fails_and_says_what_it_did(tmp_path: Path) -> None:
    assert drop_from_cache(tmp_path / "none") is False
    (tmp_path / "empty").touch()
    assert drop_from_cache(tmp_path / "empty") is False
    (tmp_path / "full").write_bytes(os.urandom(1_000_000))
    assert drop_from_cache(tmp_path / "full") in (True, False)
    assert len((tmp_path / "full").read_bytes()) == 1_000_000


def test_a_peak_that_the_import_may_have_made_is_not_the_networks() -> None:
    told = {"dropped": False, "load_ns": 5_000_000, "bare_bytes": 50, "peak_bytes": 70, "peak_is_its_own": False}
    assert Loaded((told,)).peak_bytes is None and Loaded((told,)).cache == "file cache as it was"
    assert Loaded((told | {"peak_is_its_own": True},)).peak_bytes == 20
