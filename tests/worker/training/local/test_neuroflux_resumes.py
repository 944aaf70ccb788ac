"""A run of NeuroFlux: killed anywhere it ends with the same bits, keeps to its budget, and leaves no cache behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.worker.training.local.conftest import ASKED
from worker import menu
from worker.context import Context
from worker.dnn import files
from worker.events import Event, Failed, Finished, Measured, Metric, VariantMade
from worker.executor import execute
from worker.flags import resolve


def straight(folder: Path, name: str = "training.neuroflux", **changes: object) -> list[Event]:
    recipe = menu.get(name)
    params = recipe.params.model_validate(ASKED | changes)
    return list(execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed, threads=1)))


def stopped(folder: Path, block: int, epoch: int) -> None:
    """Left as by a kill, in the epoch behind this one."""
    recipe = menu.get("training.neuroflux")
    params = recipe.params.model_validate(ASKED)
    running = execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed, threads=1))
    for event in running:
        if isinstance(event, Metric) and event.name == "learning_rate" and (
                event.labels["variant"], event.step) == (f"block {block}", epoch):
            running.close()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    torch.set_num_threads(1)
    return straight(tmp_path_factory.mktemp("straight"))


def summary(events: list[Event]) -> dict:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].summary


def numbers(events: list[Event]) -> dict:
    kept = (event for event in events if isinstance(event, Metric | Measured))
    return {event.key: event.value for event in kept if "seconds" not in event.key}


def digest(events: list[Event]) -> str:
    return next(event.sha256 for event in events if isinstance(event, VariantMade))


@pytest.mark.parametrize(("block", "epoch"), [(1, 2), (2, 1), (2, 2)])
def test_killed_and_resumed_it_ends_with_the_same_weights(told: list[Event], tmp_path: Path, block: int, epoch: int) -> None:
    stopped(tmp_path / "run", block, epoch)
    again = straight(tmp_path / "run")
    assert digest(again) == digest(told)
    assert numbers(again) == numbers(told)


def test_killed_while_the_cache_is_written_it_is_written_again(
    told: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    from worker.training.local import cache

    rename = Path.rename
    monkeypatch.setattr(cache.Path, "rename", lambda self, to: torn(self, to, rename))
    assert isinstance(straight(tmp_path / "run")[-1], Failed)
    assert [path.name for path in (tmp_path / "run" / "cache").iterdir()] == ["1.tmp"]
    monkeypatch.setattr(cache.Path, "rename", rename)
    assert digest(straight(tmp_path / "run")) == digest(told)


def torn(path: Path, to: Path, rename: object) -> Path:
    if path.name == "1.tmp":
        raise OSError("a power cut")
    return rename(path, to)  # type: ignore[operator]


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(told: list[Event], tmp_path: Path) -> None:
    assert digest(straight(tmp_path / "same")) == digest(told)
    assert digest(straight(tmp_path / "other", seed=8)) != digest(told)


def test_each_block_keeps_to_the_budget_and_to_what_was_foretold(told: list[Event]) -> None:
    found = {(event.labels["block"], event.labels["figure"]): event.value for event in told
             if isinstance(event, Metric) and event.name == "memory_mb"}
    assert set(found) == {(block, figure) for block in ("units 1-2", "units 3-4") for figure in ("predicted", "measured")}
    for block in ("units 1-2", "units 3-4"):
        assert 0 < found[block, "measured"] <= found[block, "predicted"] <= 0.6
    assert summary(told)["measured_memory_bytes"] <= summary(told)["predicted_memory_bytes"] <= 600_000


def test_the_output_model_answers_as_the_chain_that_was_cut(told: list[Event], tmp_path: Path) -> None:
    events = straight(tmp_path / "run")
    made = next(event for event in events if isinstance(event, VariantMade))
    loaded = files.load(tmp_path / "run" / made.file)
    found = summary(events)
    assert made.name == f"neuroflux exit {found['exit']}"
    assert sum(weight.numel() for weight in loaded.network.parameters()) == found["params_after"]
    assert found["params_after"] == found["exits"][found["exit"] - 1]["params"] < found["params_before"]


def test_nothing_but_results_is_left_in_the_folder(tmp_path: Path) -> None:
    straight(tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir() if path.name != "checkpoints") == [
        "neuroflux-exit-2.onnx", "neuroflux-exit-2.safetensors", "plan.json"]
    assert json.loads((tmp_path / "run" / "plan.json").read_bytes())["budget_bytes"] == 600_000


def test_a_budget_that_is_too_small_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    events = straight(tmp_path / "run", budget_mb=0.01)
    assert isinstance(events[-1], Failed) and "needs 183 kB for one sample" in events[-1].reason
    assert not any(isinstance(event, Metric) and event.name == "loss" for event in events)


def test_all_four_methods_say_what_they_took_and_how_fast_they_learned(tmp_path: Path) -> None:
    for name, asked in {"training.backprop": {"budget_mb": 0.6}, "training.checkpointing": {"budget_mb": 0.6},
                        "training.local": {"budget_mb": 6}}.items():
        params = {"model": "lenet5", "dataset": "digits", "epochs": 1} | asked
        recipe = menu.get(name)
        read = recipe.params.model_validate(params)
        events = list(execute(recipe, read, Context(tmp_path / name, inputs=resolve(read), seed=7)))
        found = {event.labels.get("figure"): event.value for event in events
                 if isinstance(event, Metric) and event.name == "memory_mb"}
        assert 0 < found["measured"] <= found["predicted"] <= asked["budget_mb"]  # type: ignore[operator]
        assert any(isinstance(event, Metric) and event.name == "accuracy_over_milliseconds" for event in events)
