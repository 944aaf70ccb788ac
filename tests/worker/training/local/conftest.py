"""A small run of local learning: four units, digits, and a source of its events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from worker import menu
from worker.context import Context
from worker.events import Event
from worker.executor import execute
from worker.flags import resolve

Run = Callable[..., list[Event]]
# Two blocks of two units.
ASKED = {"model": "lenet5", "dataset": "digits", "epochs": 2, "budget_mb": 0.6, "exits": "linear"}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def run() -> Run:
    def of(folder: Path, name: str = "training.neuroflux", **changes: Any) -> list[Event]:
        recipe = menu.get(name)
        asked = {name: value for name, value in ASKED.items() if name in recipe.params.model_fields}
        params = recipe.params.model_validate(asked | changes)
        return list(execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed, threads=1)))
    return of
