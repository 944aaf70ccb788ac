"""One thread, small networks, a whole run told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from worker import menu
from worker.context import Context, Inputs
from worker.events import Event
from worker.executor import execute
from worker.flags import resolve

ASKED = {"model": "lenet5", "dataset": "digits", "epochs": 5, "levels": 6, "fraction": 0.5, "rewind": 0.25}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def run(folder: Path, inputs: Inputs | None = None, **changes: Any) -> list[Event]:
    recipe = menu.get("portfolio.dnnshifter")
    params = recipe.params.model_validate(ASKED | changes)
    context = Context(folder, inputs=resolve(params) | (inputs or {}), seed=params.seed)
    return list(execute(recipe, params, context))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dnnshifter")


@pytest.fixture(scope="session")
def told(folder: Path) -> list[Event]:
    torch.set_num_threads(1)
    return run(folder)
