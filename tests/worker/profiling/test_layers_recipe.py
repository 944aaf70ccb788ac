"""The recipe that times block by block: what it says while it runs, what it leaves, how it goes on; a board can do it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.worker.profiling.test_without_torch import ON_A_BOARD
from worker import menu
from worker.context import Context
from worker.events import Event, FileMade, Finished, Log, Measured, Metric, read
from worker.executor import execute
from worker.flags import resolve
from worker.orders import Order
from worker.profile import MEDIA_TYPE, NetworkProfile

RECIPE = "benchmarking.layers"
ENGINES = ("onnxruntime", "torch")


def going(folder: Path, **changes: Any) -> Iterator[Event]:
    recipe = menu.get(RECIPE)
    params = recipe.params.model_validate(recipe.example | changes)
    return execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[Event], Path]]:
    folders = {engine: tmp_path_factory.mktemp(engine) for engine in ENGINES}
    return {engine: (list(going(folder, engine=engine)), folder) for engine, folder in folders.items()}


def profile(folder: Path, events: list[Event]) -> NetworkProfile:
    path, = [event.path for event in events if isinstance(event, FileMade) and event.media_type == MEDIA_TYPE]
    return NetworkProfile.model_validate_json((folder / path).read_bytes())


def summary(events: list[Event]) -> dict[str, Any]:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].summary


@pytest.mark.parametrize("engine", ENGINES)
def test_it_leaves_a_profile_that_says_what_was_measured(runs: dict[str, tuple[list[Event], Path]], engine: str) -> None:
    events, folder = runs[engine]
    found, told = profile(folder, events), summary(events)
    assert (found.network, found.engine, found.threads, found.batch, found.origin) == ("lenet5", engine, 1, 1, "measured")
    assert sum(block.macs or 0 for block in found.blocks) == told["macs_after"]
    assert sum(block.params_bytes or 0 for block in found.blocks) == 4 * told["params_after"]
    assert found.whole_s and found.additivity_error == pytest.approx(found.total_s / found.whole_s - 1)
    assert all(block.low_s is not None and block.low_s <= block.seconds <= (block.high_s or 0) for block in found.blocks)
    assert found.input_bytes == 4 * 8 * 8 and found.sha256 == told["variants"][0]["sha256"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_sample_is_kept_and_gives_the_profile(runs: dict[str, tuple[list[Event], Path]], engine: str) -> None:
    events, folder = runs[engine]
    found = profile(folder, events)
    with np.load(folder / f"block-samples-{engine}.npz") as kept:
        calm = kept["kept"]
        passes = kept["blocks_ns"][calm]
        length = passes.sum(axis=1)
        low, high = np.quantile(length, 0.25, method="lower"), np.quantile(length, 0.75, method="higher")
        typical = passes[(length >= low) & (length <= high)].mean(axis=0) / 1e9
        assert calm.sum() == found.repeats and np.median(kept["whole_ns"][calm]) / 1e9 == pytest.approx(found.whole_s)
    assert typical.tolist() == pytest.approx([block.seconds for block in found.blocks])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_bars_grow_and_end_at_the_profile(runs: dict[str, tuple[list[Event], Path]], engine: str) -> None:
    events, folder = runs[engine]
    bars = [event for event in events if isinstance(event, Metric) and event.name == "block_latency_ms"]
    steps = sorted({event.step or 0 for event in bars})
    assert len(steps) > 1
    last = {event.labels["block"]: event.value for event in bars if event.step == steps[-1]}
    assert list(last) == [str(number) for number in range(1, len(last) + 1)]
    assert [value / 1e3 for value in last.values() if value is not None] == pytest.approx(
        [block.seconds for block in profile(folder, events).blocks])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_verdict_is_in_words(runs: dict[str, tuple[list[Event], Path]], engine: str) -> None:
    said = summary(runs[engine][0])["verdict"]
    assert said.startswith("sum of 7 blocks ") and " whole " in said and " %" in said.partition("; ")[0]
    assert "the smallest tensor, 256 B, is at the cut behind " in said
    assert " takes " in said


def test_what_is_said_of_a_batch_is_of_all_its_images(tmp_path: Path, runs: dict[str, tuple[list[Event], Path]]) -> None:
    one, many = profile(runs["torch"][1], runs["torch"][0]), profile(tmp_path, list(going(tmp_path, engine="torch", batch=4)))
    for single, four in zip(one.blocks, many.blocks, strict=True):
        assert (four.macs, four.output_bytes) == (4 * (single.macs or 0), 4 * single.output_bytes)
        assert four.params_bytes == single.params_bytes and sum(four.kinds.values()) == four.macs


def test_behind_every_layer_there_are_more_blocks(tmp_path: Path, runs: dict[str, tuple[list[Event], Path]]) -> None:
    fine = profile(tmp_path, list(going(tmp_path, engine="torch", cuts="layers")))
    assert len(fine.blocks) > len(profile(runs["torch"][1], runs["torch"][0]).blocks)
    assert all(block.first == block.last for block in fine.blocks)


def test_onnx_slices_take_one_tensor_and_it_is_said(tmp_path: Path) -> None:
    events = list(going(tmp_path, max_cut_tensors=3))
    assert isinstance(events[-1], Finished)
    assert [event for event in events if isinstance(event, Log) and "A slice takes one tensor" in event.message]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_was_stopped_goes_on_with_what_it_had(tmp_path: Path, engine: str) -> None:
    before, running = list[Metric](), going(tmp_path, engine=engine, repeats=20, seconds=0)
    for event in running:
        if isinstance(event, Metric) and event.name == "block_latency_ms":
            before.append(event)
            if event.step == 8 and event.labels["block"] == "7":
                break
    running.close()  # type: ignore[attr-defined]
    after = list(going(tmp_path, engine=engine, repeats=20, seconds=0))
    said = {event.key: event.value for event in after if isinstance(event, Metric)}
    assert [said[event.key] for event in before if event.step == 8] == [event.value for event in before if event.step == 8]
    assert min(event.step or 0 for event in after if isinstance(event, Metric) and event.name == "block_latency_ms") == 8
    with np.load(tmp_path / f"block-samples-{engine}.npz") as kept:
        assert len(kept["whole_ns"]) == 20


def test_the_board_s_half_measures_without_torch(tmp_path: Path) -> None:
    recipe = menu.get(RECIPE)
    params = recipe.params.model_validate(recipe.example)
    order = prepared(tmp_path / "portal", params)
    for file in order.files:
        target = tmp_path / "board" / file
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((tmp_path / "portal" / file).read_bytes())
    done = subprocess.run([sys.executable, "-c", ON_A_BOARD, RECIPE, params.model_dump_json(), order.model_dump_json(),
                           str(tmp_path / "board")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
    events = [read(line) for line in lines]
    assert last["summary"]["blocks"] == 7 == len(profile(tmp_path / "board", events).blocks)
    assert {event.device for event in events if isinstance(event, Measured) and event.engine} == {"a board"}
    assert not {name for name in last["modules"] if name.partition(".")[0] == "torch"}


def prepared(folder: Path, params: Any) -> Order:
    board = menu.get(RECIPE).board
    assert board
    running = board.prepare(params, Context(folder, inputs=resolve(params)))
    while True:
        try:
            next(running)
        except StopIteration as end:
            order: Order = end.value
            return order


def test_a_board_is_not_asked_for_torch() -> None:
    recipe = menu.get(RECIPE)
    assert recipe.board
    for engine, refused in (("torch", True), ("onnxruntime", False)):
        assert bool(recipe.board.refuse(recipe.params.model_validate(recipe.example | {"engine": engine}))) is refused
