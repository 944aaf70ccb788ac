"""What was measured before a benchmark was cut off is kept, and it goes on behind the last portion that is whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worker.profiling.clocks import Paper
from worker.context import Context
from worker.events import Event, Measured, Metric
from worker.events import Facts as About
from worker.profiling.engines import Engine
from worker.profiling.journal import Journal
from worker.profiling.protocol import measured
from worker.profiling.sampling import Goal
from worker.profiling.steps import Options
from worker.profiling.stopwatch import Call
from worker.profiling.written import Written

FACTS = About(size_bytes=1, params=1, macs=1, activation_bytes=1)
OPTIONS = Options(Goal(100, 4.0, 10_000), batches=(1, 2), warmup=3, sustained_s=5.0)


class Cut(Exception):
    """The power fails."""


def network(folder: Path) -> Written:
    return Written(name="net", path=folder / "net.onnx", onnx=folder / "net.onnx", sha256="0", facts=FACTS)


def engine(paper: Paper, folder: Path, until: int | None = None) -> Engine:
    """Ten milliseconds an image; the power fails after so many inferences."""
    left = iter(range(until)) if until is not None else None

    def opened(batch: int) -> Call:
        passes: Callable[[], None] = paper.passes(10.0 * batch)

        def call() -> None:
            passes()
            if left is not None and next(left, None) is None:
                raise Cut

        return call

    return Engine("paper", "paper 1", folder / "net.onnx", opened)


def run(folder: Path, until: int | None = None) -> tuple[list[Event], dict[str, Any]]:
    """The events up to the end, or to where the power failed."""
    paper, said = Paper(), list[Event]()
    running = measured(network(folder), [engine(paper, folder, until)], OPTIONS, Context(folder), paper.instruments)
    try:
        while True:
            said.append(next(running))
    except StopIteration as end:
        return said, end.value
    except Cut:
        return said, {}


def drawn(events: list[Event]) -> dict[str, float | None]:
    return {event.key: event.value for event in events if isinstance(event, Metric)}


@pytest.mark.parametrize("until", [5, 60, 300, 500, 700, 1000])
def test_cut_off_anywhere_it_ends_with_all_that_was_asked_and_contradicts_nothing(until: int, tmp_path: Path) -> None:
    before, _ = run(tmp_path, until)
    after, summary = run(tmp_path)
    first, second = drawn(before), drawn(after)
    assert summary["latency_ms_after"] == 10.0
    assert {key: value for key, value in first.items() if second.get(key, value) != value} == {}
    assert set(first) <= set(second)


def test_samples_that_were_kept_are_not_measured_again(tmp_path: Path) -> None:
    run(tmp_path, 300)
    kept = sum(len(portion["samples_ns"]) for portion in Journal(tmp_path / "benchmark.jsonl").portions("paper/steady-1"))
    paper = Paper()
    made = 0

    def counted(batch: int) -> Call:
        passes = paper.passes(10.0 * batch)

        def call() -> None:
            nonlocal made
            made += batch == 1
            passes()

        return call

    options = Options(OPTIONS.goal, warmup=3)
    events = list(measured(network(tmp_path), [Engine("paper", "", tmp_path, counted)], options, Context(tmp_path),
                           paper.instruments))
    median = next(event for event in events if isinstance(event, Measured) and event.metric == "latency_ms_p50")
    assert 200 <= kept < 400 and median.n == 400
    assert made < 400 - kept + 40


def test_sustained_load_that_was_cut_off_begins_again_and_the_broken_one_is_kept_and_marked(tmp_path: Path) -> None:
    run(tmp_path, 930)
    kept = [ns for portion in Journal(tmp_path / "benchmark.jsonl").portions("paper/sustained") for ns in portion["samples_ns"]]
    for _ in range(2):  # The second time it is only said again.
        after, _summary = run(tmp_path)
        parts = json.loads((tmp_path / "latency-paper.json").read_text())["parts"]
        assert kept and parts["sustained, try 1, broken off"]["samples_ns"] == kept
        assert sum(parts["sustained"]["samples_ns"]) >= 5e9
        again = [event.step for event in after if isinstance(event, Metric) and event.name == "sustained_throughput_per_s"
                 and event.labels.get("try") == "try 2"]
        assert again == [0, 1, 2, 3, 4]


def test_half_a_line_is_as_if_it_was_never_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.keep("steady", {"n": 1})
    journal.end("rest", {"temperature_c": 40})
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"part":"steady","is":"por')
    again = Journal(path)
    assert again.portions("steady") == [{"n": 1}] and again.ended("rest") == {"temperature_c": 40}
    again.keep("steady", {"n": 2})
    assert [json.loads(line)["facts"] for line in path.read_text().splitlines()] == [{"n": 1}, {"temperature_c": 40}, {"n": 2}]


@pytest.mark.parametrize("odd", [b"null\n", b"[1]\n", b'{"part": "steady"}\n', b"\xff\xfe\n", b"\x00" * 40])
def test_what_is_no_journal_is_cut_off(odd: bytes, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(odd)
    assert Journal(tmp_path / "journal.jsonl").portions("steady") == []


def test_a_portion_is_durable_before_it_is_said(tmp_path: Path) -> None:
    paper = Paper()
    for event in measured(network(tmp_path), [engine(paper, tmp_path)], OPTIONS, Context(tmp_path), paper.instruments):
        if isinstance(event, Metric) and event.name == "latency_ms":
            kept = [ns for portion in Journal(tmp_path / "benchmark.jsonl").portions("paper/steady-1")
                    for ns in portion["samples_ns"]]
            assert event.step is not None and kept[event.step] / 1e6 == event.value
            break


def test_another_host_goes_on_from_the_checkpoint(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    before, _ = run(here, 700)
    shutil.copytree(here / "checkpoints", there / "checkpoints")
    after, summary = run(there)
    kept = Journal(here / "benchmark.jsonl").portions("paper/steady-1")
    assert kept and Journal(there / "benchmark.jsonl").portions("paper/steady-1")[:len(kept)] == kept
    assert summary["latency_ms_after"] == 10.0 and set(drawn(before)) <= set(drawn(after))


def test_every_part_that_ends_is_a_new_checkpoint(tmp_path: Path) -> None:
    made: list[tuple[str, int]] = []
    context = Context(tmp_path, saved=lambda name, step: made.append((name, step)))
    journal = Journal(tmp_path / "benchmark.jsonl", context.checkpoints)
    journal.keep("steady", {"n": 1})
    journal.end("steady")
    journal.end("sustained")
    assert made == [("benchmark", 2), ("benchmark", 3)]
