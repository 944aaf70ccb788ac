"""A run inside a memory budget says what it took of it, and with which batch where the one that was asked for did not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from worker import menu
from worker.context import Context
from worker.events import Failed, Finished
from worker.executor import execute
from worker.flags import resolve


def ended(name: str, folder: Path, **changes: Any) -> Finished | Failed:
    torch.set_num_threads(1)
    recipe = menu.get(name)
    params = recipe.params.model_validate(recipe.example | {"epochs": 1} | changes)
    last = list(execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed)))[-1]
    assert isinstance(last, Finished | Failed)
    return last


def summary(name: str, folder: Path, **changes: Any) -> dict[str, Any]:
    last = ended(name, folder, **changes)
    assert isinstance(last, Finished), last
    return last.summary


def test_a_batch_that_did_not_fit_is_told_with_the_one_that_was_used(tmp_path: Path) -> None:
    found = summary("training.backprop", tmp_path, budget_mb="900kB", batch_size=256)
    assert 0 < found["batch_size"] < 256 and found["memory_budget_bytes"] == 900_000
    assert 0 < found["measured_memory_bytes"] <= 900_000
    assert (f"kB measured inside the budget of 900 kB, with batches of {found['batch_size']}, as 256 did not fit"
            in found["verdict"])


@pytest.mark.parametrize(("name", "budget"), [("training.backprop", 50), ("training.neuroflux", 1.2)])
def test_a_verdict_names_budget_and_measured_peak(name: str, budget: float, tmp_path: Path) -> None:
    found = summary(name, tmp_path, budget_mb=budget)
    assert f" measured inside the budget of {budget:g} MB" in found["verdict"] and "did not fit" not in found["verdict"]
    assert found["measured_memory_bytes"] > 0


def test_without_a_budget_the_verdict_says_nothing_of_one(tmp_path: Path) -> None:
    found = summary("training.backprop", tmp_path, budget_mb=0)
    assert "budget" not in found["verdict"] and found["measured_memory_bytes"] > 0


def test_a_budget_that_is_too_small_is_told_back_as_it_was_typed_in_one_unit(tmp_path: Path) -> None:
    last = ended("training.backprop", tmp_path, budget_mb="20kB")
    assert isinstance(last, Failed) and "The memory budget of 20 kB is too small" in last.reason
    assert " kB for " in last.reason and "bytes" not in last.reason and "MB" not in last.reason
