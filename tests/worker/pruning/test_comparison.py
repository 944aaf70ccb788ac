"""What a comparison ends with: every compression by its own name, and what the terms asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from worker import menu
from worker.context import Context
from worker.dnn import architectures, files
from worker.events import Event, Finished, Measured, Metric
from worker.executor import execute
from worker.flags import resolve
from worker.pruning.shares import Part, share


def run(folder: Path, recipe: str = "pruning.magnitude", **changes: Any) -> tuple[list[Event], dict[str, Any]]:
    torch.set_num_threads(1)
    params = menu.get(recipe).params.model_validate({"model": "lenet5", "dataset": "digits", "epochs": 0} | changes)
    events = list(execute(menu.get(recipe), params, Context(folder, inputs=resolve(params), seed=params.seed)))
    assert isinstance(events[-1], Finished), events[-1]
    return events, events[-1].summary


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    params = menu.get("training.backprop").params.model_validate({"model": "lenet5", "dataset": "digits", "epochs": 3})
    last = list(execute(menu.get("training.backprop"), params, Context(folder, inputs=resolve(params), seed=7)))[-1]
    assert isinstance(last, Finished)
    return folder / str(last.summary["variants"][0]["file"])


def test_trained_weights_that_are_only_pruned_are_tested_before_and_after(trained: Path, tmp_path: Path) -> None:
    events, found = run(tmp_path, model=str(trained), sparsity=0.9)
    assert found["accuracy_before"] > 0.8 > found["accuracy_after"]
    tested = {event.variant for event in events if isinstance(event, Measured) and event.metric == "accuracy"}
    assert tested == {"dense", "magnitude 0.9"}
    assert "less accurate than the dense network (test, n = 360), with no training after pruning" in found["verdict"]
    assert found["epoch_equivalents"] == 0 and "cost" not in found["verdict"]


def test_a_method_that_draws_weights_afresh_forgets_what_they_had_learned(trained: Path, tmp_path: Path) -> None:
    found = run(tmp_path, "pruning.reconvene", model=str(trained), start="given", sparsity=0.75)[1]
    assert found["accuracy_after"] is None and "not trained" in found["verdict"]


def test_each_compression_has_its_own_name(trained: Path, tmp_path: Path) -> None:
    found = run(tmp_path, model=str(trained), sparsity=0.97)[1]
    small = files.load(tmp_path / found["variants"][1]["file"]).network
    assert found["density"] == pytest.approx(0.03, abs=1e-3) and found["mask_compression"] == pytest.approx(1 / found["density"])
    assert found["sparsity"] == pytest.approx(1 - found["density"])
    assert found["spatial_compression"] == found["params_before"] / found["params_after"] > 1
    assert found["bytes_compression"] == found["size_bytes_before"] / found["size_bytes_after"] > 1
    zeros = sum(int((weight == 0).sum()) for weight in small.parameters() if weight.dim() > 1)
    assert found["nonzero_params_after"] == found["params_after"] - zeros
    assert found["nonzero_params_before"] == found["params_before"]
    assert found["spatial_compression"] < found["mask_compression"]


def test_a_method_without_masks_has_no_mask_compression(tmp_path: Path) -> None:
    found = run(tmp_path, "pruning.l1_channels", channels=0.5)[1]
    assert found["mask_compression"] is None and found["density"] is None
    assert found["nonzero_params_after"] == found["params_after"]


def test_emptied_channels_stay_where_they_are_when_asked_and_answer_the_same(trained: Path, tmp_path: Path) -> None:
    small = run(tmp_path / "small", model=str(trained), sparsity=0.97)[1]
    found = run(tmp_path / "masked", model=str(trained), sparsity=0.97, compact=False)[1]
    assert found["params_after"] == found["params_before"] > small["params_after"]
    assert found["verdict"].startswith("97.0 % of the weights are zero and were left in place, as asked; the network is no ")
    assert found["nonzero_params_after"] >= small["nonzero_params_after"]
    assert found["accuracy_after"] == small["accuracy_after"]
    assert (found["compact"], small["compact"]) == (False, True)


def test_each_layer_says_its_density(tmp_path: Path) -> None:
    events, _ = run(tmp_path, sparsity=0.5, scope="local")
    said = {event.labels["layer"]: event.value for event in events if isinstance(event, Metric) and event.name == "density"}
    assert said == {layer: pytest.approx(0.5, abs=0.01) for layer in ("conv1", "conv2", "fc1", "fc2")}


def test_a_resumed_run_reports_the_seconds_of_the_attempt_that_pruned(tmp_path: Path) -> None:
    first = run(tmp_path, sparsity=0.5)[1]
    assert run(tmp_path, sparsity=0.5)[1]["prune_seconds"] == first["prune_seconds"]


def test_shares_follow_the_work_and_meet_end_to_end() -> None:
    parts = {"warm-up": Part(2, 100), "small": Part(4, 25), "dense": Part(4, 100)}
    spans = [share(parts, name).span for name in parts]
    assert spans == [(0, pytest.approx(2 / 7)), (pytest.approx(2 / 7), pytest.approx(3 / 7)), (pytest.approx(3 / 7), 1.0)]
    assert [(share(parts, name).before, share(parts, name).total) for name in parts] == [(0, 10), (2, 10), (6, 10)]


def test_one_training_alone_needs_no_weighing() -> None:
    assert share({"warm-up": Part(0, 100), "small": Part(4, 25)}, "small").span is None


def test_a_network_that_was_only_drawn_is_not_tested(tmp_path: Path) -> None:
    drawn = architectures.build("lenet5", 10, (1, 8, 8), seed=3)
    files.save(drawn, tmp_path / "drawn", in_shape=(1, 8, 8), classes=10, name="drawn")
    found = run(tmp_path / "run", model=str(tmp_path / "drawn"), sparsity=0.5)[1]
    assert found["accuracy_after"] is None and found["verdict"].endswith("; not trained, so nothing is known of its accuracy")
