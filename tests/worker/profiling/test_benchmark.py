"""The verdict of a benchmark names every engine and the tail; its charts and its files say what they hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from worker import menu
from worker.context import Context
from worker.events import Event, FileMade, Finished, Log, Measured, Metric, VariantMade
from worker.executor import execute
from worker.flags import resolve
from worker.profiling import compiled

RECIPE = "benchmarking.latency"
BADGE = r"(stable|noisy|throttled)( \(.+?\))?"
TIMES = rf"p50 [\d.,]+ ms \(95 % [\d.,]+–[\d.,]+\), p95 [\d.,]+ ms, p99 [\d.,]+ ms, {BADGE}"
LOADING = r"A new process loads it in [\d.,]+ ms \(file cache (dropped|as it was)\), and its first inference takes [\d.,]+ ms"


def run(folder: Path, **changes: Any) -> list[Event]:
    recipe = menu.get(RECIPE)
    params = recipe.params.model_validate(recipe.example | changes)
    return list(execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("both")


@pytest.fixture(scope="module")
def both(folder: Path) -> list[Event]:
    return run(folder, engine="both")


def verdict(events: list[Event]) -> str:
    assert isinstance(events[-1], Finished), events[-1]
    return str(events[-1].summary["verdict"])


def test_the_verdict_names_median_and_tail_of_both_engines_and_then_what_else_was_seen(both: list[Event]) -> None:
    said = verdict(both)
    assert re.match(rf"onnxruntime: {TIMES}; torch: {TIMES}\. ", said), said
    assert re.search(rf"\. {LOADING}(, [\d.]+ MB at its peak beside the bare runtime)?\. Most images a second: [\d.,]+ in "
                     rf"batches of [12]\. [\d.]+ s without a pause: [\d.,]+ images/s, .+, {BADGE}$", said), said


def test_one_engine_stands_alone(tmp_path: Path) -> None:
    said = verdict(run(tmp_path, engine="torch", cold=0, sustained=0, batches=[]))
    assert re.fullmatch(f"torch: {TIMES}", said), said


def test_files_have_the_names_of_files(both: list[Event]) -> None:
    files = {event.path: event.name for event in both if isinstance(event, FileMade)}
    assert files == {f"latency-{engine}.json": f"latency samples, {engine}.json" for engine in ("torch", "onnxruntime")}


def test_the_file_has_every_sample_and_all_that_it_depends_on(both: list[Event], folder: Path) -> None:
    kept = json.loads((folder / "latency-onnxruntime.json").read_text())
    assert (kept["protocol"], kept["engine"], kept["threads"], kept["precision"]) == (1, "onnxruntime", 1, "fp32")
    assert set(kept["parts"]) == {"steady state, try 1", "batch 2", "sustained"}
    median = next(event for event in both if isinstance(event, Measured) and event.metric == "latency_ms_p50"
                  and event.engine == "onnxruntime")
    assert len(kept["parts"]["steady state, try 1"]["samples_ns"]) == median.n
    assert len(kept["loading"]) == 1 and median.samples == "latency-onnxruntime.json"


def test_every_sample_of_a_short_timing_is_drawn_in_its_order(both: list[Event], folder: Path) -> None:
    kept = json.loads((folder / "latency-torch.json").read_text())["parts"]["steady state, try 1"]
    drawn = [event for event in both if isinstance(event, Metric) and event.name == "latency_ms"
             and event.labels == {"engine": "torch"}]
    assert [event.value for event in drawn] == [ns / 1e6 for ns in kept["samples_ns"][:: drawn[1].step]]


def test_the_summary_says_by_which_protocol_and_which_runtimes(both: list[Event]) -> None:
    assert isinstance(both[-1], Finished)
    summary = both[-1].summary
    assert summary["latency_protocol"] == 1
    assert {name: text.split()[0] for name, text in summary["latency_runtimes"].items()} == {
        "onnxruntime": "onnxruntime", "torch": "torch"}


def test_memory_of_a_new_process_is_less_than_all_of_this_one(both: list[Event]) -> None:
    found = [event for event in both if isinstance(event, Measured) and event.metric == "peak_memory_bytes"]
    assert {event.engine for event in found} == {"onnxruntime", "torch"}
    assert all(event.value and 0 < event.value < 500e6 for event in found)


def test_where_no_compiler_is_torch_compiled_is_left_out_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "has_compiler", lambda: False)
    events = run(tmp_path, engine="all", cold=0, sustained=0, batches=[])
    told = [event.message for event in events if isinstance(event, Log) and event.level == "warning"]
    assert f"{compiled.NO_COMPILER} The other engines are timed." in told
    assert re.fullmatch(f"onnxruntime: {TIMES}; torch: {TIMES}", verdict(events))


def test_asked_for_alone_it_is_the_reason_why_the_run_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "has_compiler", lambda: False)
    last = run(tmp_path, engine="torch-compiled")[-1]
    assert last.type == "failed" and compiled.NO_COMPILER in last.reason


def test_the_files_of_a_variant_have_no_spaces_in_their_names(tmp_path: Path) -> None:
    recipe = menu.get("pruning.reconvene")
    params = recipe.params.model_validate(recipe.example | {"epochs": 0})
    events = list(execute(recipe, params, Context(tmp_path, inputs=resolve(params), seed=params.seed)))
    made = [event for event in events if isinstance(event, VariantMade)]
    assert {made[-1].file, made[-1].onnx} == {"reconvene-0.75.safetensors", "reconvene-0.75.onnx"}
