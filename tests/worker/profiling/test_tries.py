"""A disturbed steady state is timed again, as often as was asked for; the calmest is kept, and the file has all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.worker.profiling.clocks import Paper
from worker.context import Context
from worker.events import Event, FileMade, Log, Measured, Metric
from worker.events import Facts as About
from worker.profiling.engines import Engine
from worker.profiling.protocol import measured
from worker.profiling.sampling import Goal
from worker.profiling.steps import Options
from worker.profiling.stopwatch import Call
from worker.profiling.written import Written

FACTS = About(size_bytes=1, params=1, macs=1, activation_bytes=1)


class Stolen(Paper):
    """Other work takes this much of each try in turn: of about 0.5 s each."""

    def __init__(self, *shares: float) -> None:
        super().__init__()
        self.shares = shares

    def engine(self, file: Path) -> Engine:
        def opened(batch: int) -> Call:
            passes = self.passes(10.0)

            def call() -> None:
                self.stolen = self.shares[min(self.cpu_ns // 700_000_000, len(self.shares) - 1)]
                passes()

            return call

        return Engine("paper", "paper 1", file, opened)


def run(folder: Path, tries: int, *shares: float) -> tuple[list[Event], dict[str, Any]]:
    """The events of a benchmark, and its file."""
    paper, file = Stolen(*shares), folder / "net.onnx"
    network = Written(name="net", path=file, onnx=file, sha256="0", facts=FACTS)
    options = Options(Goal(10, 0.5, 10_000), warmup=1, tries=tries)
    events = list(measured(network, [paper.engine(file)], options, Context(folder), paper.instruments))
    return events, json.loads((folder / "latency-paper.json").read_text())


def test_a_stable_timing_is_made_once(tmp_path: Path) -> None:
    events, kept = run(tmp_path, 3, 1.0)
    assert list(kept["parts"]) == [kept["kept"]] == ["steady state, try 1"]
    assert not any(isinstance(event, Log) for event in events)


def test_a_disturbed_one_is_made_again_until_it_is_stable(tmp_path: Path) -> None:
    events, kept = run(tmp_path, 5, 1.5, 1.0)
    assert kept["kept"] == list(kept["parts"])[-1] != "steady state, try 1"
    assert kept["parts"][kept["kept"]]["badge"] == "stable"
    assert not any(event.noisy for event in events if isinstance(event, Measured))
    drawn = {event.labels.get("try", "try 1") for event in events if isinstance(event, Metric) and event.name == "latency_ms"}
    assert drawn == {f"try {number}" for number in range(1, len(kept["parts"]) + 1)}


def test_when_none_is_stable_the_calmest_is_kept_and_every_number_says_that_it_is_noisy(tmp_path: Path) -> None:
    events, kept = run(tmp_path, 3, 3.0, 3.0, 1.3, 2.0)
    assert len(kept["parts"]) == 3
    walls = {name: part["wall_s"] / part["cpu_s"] for name, part in kept["parts"].items()}
    assert walls[kept["kept"]] == min(walls.values())
    assert all(event.noisy for event in events if isinstance(event, Measured) and event.metric.startswith("latency_ms"))
    assert any(isinstance(event, Log) and event.level == "warning" and "noisy latency" in event.message for event in events)
    assert [event.path for event in events if isinstance(event, FileMade)] == ["latency-paper.json"]


@pytest.mark.parametrize("tries", [1, 2])
def test_no_more_tries_are_made_than_asked_for(tries: int, tmp_path: Path) -> None:
    assert len(run(tmp_path, tries, 2.0)[1]["parts"]) == tries
