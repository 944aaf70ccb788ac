"""Training that nobody limits tells its accuracy over seconds and its memory too, and is trained as without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from worker import menu
from worker.context import Context
from worker.datasets import Data
from worker.events import Event, Metric
from worker.executor import execute
from worker.flags import resolve
from worker.training.loop import train
from worker.training.settings import Settings

Fresh = Callable[[], torch.fx.GraphModule]
TOLD = {"accuracy_over_milliseconds", "memory_mb"}


def said(network: torch.fx.GraphModule, data: Data, folder: Path, **more: Any) -> list[Metric]:
    events = train(network, data, Settings(epochs=2), variant="net", checkpoints=Context(folder).checkpoints, **more)
    return [event for event in events if isinstance(event, Metric)]


def test_being_clocked_changes_no_weight_and_no_other_number(fresh: Fresh, digits: Data, tmp_path: Path) -> None:
    plain, clocked = fresh(), fresh()
    expected = said(plain, digits, tmp_path / "plain")
    found = said(clocked, digits, tmp_path / "clocked", is_clocked=True)
    assert [metric for metric in found if metric.name not in TOLD] == expected
    assert all(torch.equal(one, two) for one, two in zip(plain.state_dict().values(), clocked.state_dict().values(), strict=True))


def test_backprop_without_a_budget_tells_accuracy_over_seconds_and_what_a_step_took(tmp_path: Path) -> None:
    recipe = menu.get("training.backprop")
    params = recipe.params.model_validate({"model": "lenet5", "dataset": "digits", "epochs": 3})
    events: list[Event] = list(execute(recipe, params, Context(tmp_path, inputs=resolve(params), seed=7)))
    metrics = [event for event in events if isinstance(event, Metric)]
    validated = [each.value for each in metrics if each.name == "accuracy" and each.labels.get("split") == "validation"]
    over = [each for each in metrics if each.name == "accuracy_over_milliseconds"]
    assert [each.value for each in over] == validated[-3:]
    steps = [each.step or 0 for each in over]
    assert 0 < steps[0] < steps[1] < steps[2]
    memory = [each for each in metrics if each.name == "memory_mb"]
    assert [each.labels for each in memory] == [{"block": "whole network", "figure": "measured"}] and (memory[0].value or 0) > 0
    assert not any(each.name == "memory_budget_mb" for each in metrics)
