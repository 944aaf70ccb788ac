"""Every recipe that prunes honours what all are asked for: a short training first, new statistics, no epochs after, a stop."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.worker.clockless import numbers
from worker import menu
from worker.context import Context
from worker.dnn import files
from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.events import Event, Finished, Log, Metric
from worker.executor import execute
from worker.flags import resolve

RECIPES = [name for name in menu.recipes() if name.startswith("pruning.")]
every_recipe = pytest.mark.parametrize("name", RECIPES)
DRAWN_AFRESH = ("pruning.reconvene",)
COSTS = ("warm_up_seconds", "prune_seconds", "train_seconds", "prune_epoch_equivalents", "epoch_equivalents")
SIZES = ("params", "macs", "size_bytes", "nonzero_params", "latency_ms", "accuracy")
COMPRESSIONS = ("density", "mask_compression", "spatial_compression", "bytes_compression", "compact")


class Tiny(nn.Module):
    """Two convolutions with batch-norm: an epoch of it takes the tenth of a second."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
                                    nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                                    nn.Flatten(), nn.Linear(16, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, str]:
    """A file of fresh weights; the same, said to have been trained."""
    network, folder = trace(Tiny()), tmp_path_factory.mktemp("tiny")
    reinitialise(network, 4)
    for trained in (False, True):
        files.save(network, folder / str(trained), in_shape=(1, 8, 8), classes=10, name="tiny", trained=trained)
    return {trained: str(folder / str(trained)) for trained in (False, True)}


def start(name: str, folder: Path, **changes: Any) -> Iterator[Event]:
    torch.set_num_threads(1)
    recipe = menu.get(name)
    few = {"iterations": 3} if "iterations" in recipe.params.model_fields else {}
    params = recipe.params.model_validate(recipe.example | {"batch_size": 128, "epochs": 1} | few | changes)
    return execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed))


def run(name: str, folder: Path, **changes: Any) -> tuple[list[Event], dict[str, Any]]:
    events = list(start(name, folder, **changes))
    assert isinstance(events[-1], Finished), events[-1]
    return events, events[-1].summary


def phases(events: list[Event]) -> list[str]:
    return [str(event.labels["phase"]) for event in events if isinstance(event, Metric) and event.name == "phase_seconds"]


@every_recipe
def test_a_short_training_comes_first_and_is_counted(name: str, tiny: dict[bool, str], tmp_path: Path) -> None:
    events, found = run(name, tmp_path, model=tiny[False], warm_up_epochs=2, recalibrate_batches=2)
    trained = [(event.labels["variant"], event.step) for event in events if isinstance(event, Metric) and event.name == "loss"]
    assert trained[:2] == [("dense", 1), ("dense", 2)]
    assert phases(events)[:4] == ["open", "warm-up", "prune", "recalibrate"]
    assert found["prune_epoch_equivalents"] >= 2
    assert 0 < found["epoch_equivalents"] - found["prune_epoch_equivalents"] <= 1 + 1e-9
    assert found["accuracy_before"] is not None and found["accuracy_after"] is not None
    assert " epochs of training" in found["verdict"]
    told = [event.message for event in events if isinstance(event, Log)]
    assert any("of 2 batch-norm layers were computed anew from 256 training images" in text for text in told)


@every_recipe
def test_the_summary_has_the_words_that_all_share(name: str, tiny: dict[bool, str], tmp_path: Path) -> None:
    events, found = run(name, tmp_path, model=tiny[False])
    assert {*COSTS, *COMPRESSIONS, *(f"{word}_{when}" for word in SIZES for when in ("before", "after"))} <= set(found)
    density = {event.labels["layer"] for event in events if isinstance(event, Metric) and event.name == "density"}
    assert len(density) >= 2


@every_recipe
def test_its_page_draws_density_by_layer_time_by_phase_and_the_trade_off(name: str) -> None:
    charts = menu.get(name).charts
    assert {"tradeoff", "line", "bars"} <= {chart.kind for chart in charts}
    bars = {(chart.y[0], chart.x) for chart in charts if chart.kind == "bars"}
    assert {("density", "layer"), ("phase_seconds", "phase")} <= bars


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "pruning.imp"])
def test_trained_weights_that_are_only_pruned_are_tested_unless_drawn_afresh(
    name: str, tiny: dict[bool, str], tmp_path: Path,
) -> None:
    """Iterative magnitude pruning has no such thing: every level of it is a training."""
    found = run(name, tmp_path, model=tiny[True], start="given", epochs=0)[1]
    drawn_afresh = "not trained, so nothing is known of its accuracy" in found["verdict"]
    assert found["accuracy_before"] is not None and found["train_seconds"] == 0
    assert (found["accuracy_after"] is None) == drawn_afresh == (name in DRAWN_AFRESH)


@every_recipe
@pytest.mark.kill
def test_stopped_in_the_middle_of_the_short_training_it_goes_on_and_ends_the_same(
    name: str, tiny: dict[bool, str], tmp_path: Path,
) -> None:
    said: list[Event] = []
    running = start(name, tmp_path, model=tiny[False], warm_up_epochs=2)
    for event in running:
        said.append(event)
        if isinstance(event, Metric) and event.name == "loss" and event.step == 2:
            break
    running.close()  # type: ignore[attr-defined]
    said += start(name, tmp_path, model=tiny[False], warm_up_epochs=2)
    assert any(isinstance(event, Log) and event.message.startswith("dense goes on after epoch 1 of ") for event in said)
    assert numbers(said) == straight(name, tiny[False])


@cache
def straight(name: str, model: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="terms-") as folder:
        return numbers(run(name, Path(folder), model=model, warm_up_epochs=2)[0])
