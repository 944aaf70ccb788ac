"""The warm process: a child that dies, hangs or is left alone hurts nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.portal import until
from worker.forkserver import Child, ForkServer
from worker.job import InputFile, Job

# Ended by the test, whatever else the machine does.
ENDLESS = 5000


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    warm = ForkServer(idle_s=60)
    warm.warm()
    yield warm
    warm.stop()


def job(folder: Path, **params: Any) -> Job:
    return Job(recipe="training.backprop", params={"model": "lenet5", "dataset": "digits", "batch_size": 2, **params},
               inputs={"model": InputFile(kind="model", name="lenet5"), "dataset": InputFile(kind="dataset", name="digits")},
               workdir=str(folder), memory_bytes=16_000_000_000, file_bytes=10**9, cpu_s=3600)


def said(child: Child, kind: str, seconds: float = 60) -> list[dict[str, Any]]:
    """Everything the child says until it says an event of this kind."""
    found: list[dict[str, Any]] = []

    def heard() -> bool:
        found.extend(child.lines(0.2))
        return child.gone or any(line.get("event", {}).get("type") == kind for line in found)

    until(heard, seconds, f"{kind} in {found[-3:]}")
    return found


def test_a_child_says_its_events_and_its_exit(server: ForkServer, tmp_path: Path) -> None:
    child = server.spawn(job(tmp_path, epochs=1, batch_size=64))
    lines = said(child, "finished")
    until(lambda: child.lines(0.2) is not None and child.gone, 10, "the end")
    assert child.exit == 0
    assert any("checkpoint" in line for line in lines)


def test_a_supervisor_that_leaves_at_once_takes_nobody_with_it(server: ForkServer, tmp_path: Path) -> None:
    running = server.spawn(job(tmp_path / "a", epochs=ENDLESS))
    said(running, "metric")
    for number in range(5):
        server.spawn(job(tmp_path / f"b{number}", epochs=ENDLESS)).close()
    time.sleep(1)
    assert said(running, "metric") and not running.gone
    running.kill()
    running.close()


def test_a_killed_child_is_reported_with_its_signal(server: ForkServer, tmp_path: Path) -> None:
    child = server.spawn(job(tmp_path, epochs=ENDLESS))
    said(child, "started")
    child.kill()
    until(lambda: child.lines(0.2) is not None and child.gone, 10, "the end")
    assert child.exit == -9


def test_a_child_is_cancelled_keeps_its_checkpoint_and_goes_on_later(server: ForkServer, tmp_path: Path) -> None:
    child = server.spawn(job(tmp_path, epochs=ENDLESS))
    until(lambda: any("checkpoint" in line for line in child.lines(0.2)), 60, "a checkpoint")
    child.ask(cancel=True)
    assert said(child, "cancelled")[-1]
    child.close()
    again = server.spawn(job(tmp_path, epochs=ENDLESS))
    started = next(line["event"] for line in said(again, "started") if "event" in line)
    assert started["resumed"]
    again.kill()
    again.close()


def test_a_child_has_a_memory_limit(server: ForkServer, tmp_path: Path) -> None:
    small = job(tmp_path, epochs=1).model_copy(update={"memory_bytes": 1_000_000})
    child = server.spawn(small)
    lines = said(child, "failed")
    # Where the memory ends inside a library that cannot say so, the process is ended instead; the supervisor takes that run back.
    assert child.exit not in (None, 0) or any(line.get("event", {}).get("type") == "failed" for line in lines)
    assert not any(line.get("event", {}).get("type") == "finished" for line in lines)


def test_a_change_that_comes_before_the_run_began_is_not_lost() -> None:
    import socket

    from worker.child import Wire

    ours, theirs = socket.socketpair()
    ours.sendall(b'{"live": {"learning_rate": 0.5}}\n')
    wire = Wire(theirs, {"learning_rate": 0.1}, on_loss=lambda: None)
    until(lambda: wire.live == {"learning_rate": 0.5}, 5, "the change")


def test_a_child_that_prepares_says_the_order_and_no_end(server: ForkServer, tmp_path: Path) -> None:
    inputs = {"model": InputFile(kind="model", name="lenet5"), "dataset": InputFile(kind="dataset", name="digits")}
    child = server.spawn(Job(recipe="benchmarking.latency", params={"model": "lenet5", "dataset": "digits"}, inputs=inputs,
                             workdir=str(tmp_path), part="prepare", memory_bytes=16_000_000_000, file_bytes=10**9, cpu_s=3600))
    lines: list[dict[str, Any]] = []
    until(lambda: lines.extend(child.lines(0.2)) or child.gone, 60, "the end")
    [order] = [line["order"] for line in lines if "order" in line]
    assert order["files"] and all((tmp_path / path).is_file() for path in order["files"])
    kinds = {line["event"]["type"] for line in lines if "event" in line}
    assert not kinds & {"started", "finished", "failed", "cancelled"} and child.exit == 0
