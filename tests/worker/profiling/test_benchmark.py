"""The verdict of a benchmark names every engine and the tail; its chart and its files say what they hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worker import menu
from worker.context import Context
from worker.events import Event, FileMade, Finished, VariantMade
from worker.executor import execute
from worker.flags import resolve
from worker.profiling.benchmark import DRAWN, _drawn
from worker.profiling.stopwatch import Timing

RECIPE = "benchmarking.latency"
TIMES = r"p50 [\d.]+ ms \(95 % [\d.]+–[\d.]+\), p95 [\d.]+ ms, p99 [\d.]+ ms, (stable|noisy \(.+\))"


def run(folder: Path, **changes: Any) -> list[Event]:
    recipe = menu.get(RECIPE)
    params = recipe.params.model_validate(recipe.example | changes)
    return list(execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed)))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return run(tmp_path_factory.mktemp("both"))


def verdict(events: list[Event]) -> str:
    assert isinstance(events[-1], Finished)
    return str(events[-1].summary["verdict"])


def test_the_verdict_names_median_and_tail_of_both_engines(both: list[Event]) -> None:
    first, second = verdict(both).split("; ")
    assert re.fullmatch(f"onnxruntime: {TIMES}", first) and re.fullmatch(f"torch: {TIMES}", second)


def test_one_engine_stands_alone(tmp_path: Path) -> None:
    assert re.fullmatch(f"torch: {TIMES}", verdict(run(tmp_path, engine="torch")))


def test_files_have_the_names_of_files(both: list[Event]) -> None:
    files = {event.path: event.name for event in both if isinstance(event, FileMade)}
    assert files == {f"latency-{engine}.json": f"latency samples, {engine}.json" for engine in ("torch", "onnxruntime")}


def test_the_files_of_a_variant_have_no_spaces_in_their_names(tmp_path: Path) -> None:
    recipe = menu.get("pruning.reconvene")
    params = recipe.params.model_validate(recipe.example | {"epochs": 0})
    events = list(execute(recipe, params, Context(tmp_path, inputs=resolve(params), seed=params.seed)))
    made = [event for event in events if isinstance(event, VariantMade)]
    assert {made[-1].file, made[-1].onnx} == {"reconvene-0.75.safetensors", "reconvene-0.75.onnx"}


@pytest.mark.parametrize(("laps", "said"), [(20, 20), (DRAWN, DRAWN), (DRAWN + 1, DRAWN // 2 + 1), (10_000, 2000)])
def test_every_sample_is_drawn_up_to_what_a_chart_shows(laps: int, said: int) -> None:
    assert len(list(_drawn(Timing(np.ones(laps, dtype=np.int64), 1.0, 1.0), "torch"))) == said
