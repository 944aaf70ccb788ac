"""The measuring half of a benchmark runs where torch cannot be imported, with the modules that a board is given and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from worker import menu
from worker.context import Context
from worker.events import Measured, Metric, read
from worker.flags import resolve
from worker.orders import Order
from worker.profiling import board

RECIPE = "benchmarking.latency"
ON_A_BOARD = """
import importlib, json, sys
from pathlib import Path

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "sklearn", "django"):
            raise ImportError(name + " is not on a board")

sys.meta_path.insert(0, NoTorch())
from worker.profiling import board
for name in board.MEASURING:
    importlib.import_module(name)
from worker import menu
from worker.context import Context
from worker.orders import Order

recipe = menu.get(sys.argv[1])
params = recipe.params.model_validate_json(sys.argv[2])
running = recipe.board.measure(params, Order.model_validate_json(sys.argv[3]), Context(Path(sys.argv[4]), device="a board"))
while True:
    try:
        print(json.dumps(next(running).model_dump(mode="json")))
    except StopIteration as end:
        print(json.dumps({"summary": end.value, "modules": sorted(sys.modules)}))
        break
"""


def prepared(folder: Path) -> tuple[str, Order]:
    """What the portal's half makes, without the files that it does not name."""
    recipe = menu.get(RECIPE)
    params = recipe.params.model_validate(recipe.example)
    assert recipe.board
    running = recipe.board.prepare(params, Context(folder, inputs=resolve(params)))
    while True:
        try:
            next(running)
        except StopIteration as end:
            order: Order = end.value
            break
    for file in folder.iterdir():
        if file.is_file() and file.name not in order.files:
            file.unlink()
    return params.model_dump_json(), order


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("board")
    params, order = prepared(folder)
    done = subprocess.run([sys.executable, "-c", ON_A_BOARD, RECIPE, params, order.model_dump_json(), str(folder)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_measures_and_returns_a_summary(said: list[dict[str, Any]]) -> None:
    assert said[-1]["summary"]["latency_ms_after"] > 0
    measured = [event for event in map(read, said[:-1]) if isinstance(event, Measured)]
    assert {event.metric for event in measured} >= {"latency_ms_p50", "latency_ms_p95", "latency_ms_p99"}
    assert {event.device for event in measured if event.engine} == {"a board"}


def test_every_metric_of_its_charts_is_said_there_too(said: list[dict[str, Any]]) -> None:
    metrics = {event.name for event in map(read, said[:-1]) if isinstance(event, Metric)}
    assert {name for chart in menu.get(RECIPE).charts for name in chart.y} <= metrics


def test_the_list_names_all_that_was_loaded_of_the_profiling(said: list[dict[str, Any]]) -> None:
    loaded = {name for name in said[-1]["modules"] if name.startswith("worker.profiling.")}
    assert loaded == board.MEASURING


@pytest.mark.parametrize(("engine", "refused"), [("onnxruntime", False), ("both", False), ("torch", True)])
def test_an_engine_that_no_board_has_is_refused_before_anything_runs(engine: str, refused: bool) -> None:
    recipe = menu.get(RECIPE)
    assert recipe.board
    assert bool(recipe.board.refuse(recipe.params.model_validate(recipe.example | {"engine": engine}))) is refused
