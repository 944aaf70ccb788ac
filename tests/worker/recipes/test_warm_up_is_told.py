"""What becomes of fresh weights after a short training is what the help of the fields says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from worker import menu
from worker.context import Context
from worker.events import Finished, Metric
from worker.executor import execute
from worker.flags import resolve

WARM_UP, EPOCHS, FIRST = 2, 2, 0.05
FALLEN = "begin with the learning rate that has fallen by then"


def told(recipe: str, field: str) -> str:
    return str(menu.get(recipe).params.model_fields[field].description)


def rates(folder: Path, recipe: str, **changes: Any) -> tuple[dict[tuple[str, int], float], dict[str, Any]]:
    """The learning rate of each epoch of each variant, and the summary."""
    torch.set_num_threads(1)
    given = {"model": "lenet5", "dataset": "digits", "warm_up_epochs": WARM_UP, "epochs": EPOCHS, "learning_rate": FIRST,
             "sparsity": 0.5}
    params = menu.get(recipe).params.model_validate(given | changes)
    events = list(execute(menu.get(recipe), params, Context(folder, inputs=resolve(params), seed=params.seed)))
    assert isinstance(events[-1], Finished), events[-1]
    said = [event for event in events if isinstance(event, Metric) and event.name == "learning_rate"]
    return {(event.labels["variant"], event.step or 0): event.value for event in said}, events[-1].summary


@pytest.mark.parametrize(("recipe", "field", "changes"), [
    ("pruning.drive", "weights_after", {"weights_after": "rewind", "iterations": 2, "images_per_class": 2}),
    ("pruning.reconvene", "warm_up_epochs", {}),
])
def test_fresh_weights_begin_with_the_rate_that_has_fallen_and_the_help_says_so(
    recipe: str, field: str, changes: dict[str, Any], tmp_path: Path,
) -> None:
    found, _ = rates(tmp_path, recipe, **changes)
    pruned = {step: rate for (variant, step), rate in found.items() if variant != "dense"}
    assert sorted(pruned) == [WARM_UP + 1, WARM_UP + 2] and max(pruned.values()) < FIRST
    assert FALLEN in told(recipe, field) and "epochs fewer" in told(recipe, field)


def test_levels_train_the_short_training_over_again_and_the_help_says_so(tmp_path: Path) -> None:
    found, summary = rates(tmp_path, "pruning.imp", fraction=0.5, rewind=0.0)
    assert found["imp 0.5", 1] == FIRST
    assert summary["epoch_equivalents"] == WARM_UP + 2 * EPOCHS
    assert "again for all epochs" in told("pruning.imp", "warm_up_epochs")
