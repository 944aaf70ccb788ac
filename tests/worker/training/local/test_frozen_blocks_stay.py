"""What a block has learned stays, bit for bit: while later blocks learn from its answers, and in the network that is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

from tests.worker.training.local.conftest import ASKED
from worker import menu
from worker.context import Context
from worker.events import Finished, Metric, VariantMade
from worker.executor import execute
from worker.flags import resolve
from worker.training.local.block import Block


def digest(state: dict[str, Tensor]) -> str:
    """The SHA-256 of a state: names and bits."""
    found = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        found.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def bits(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


NORMED = ASKED | {"model": "resnet20", "epochs": 1, "budget_mb": 3.0}


@pytest.mark.parametrize("asked", [ASKED | {"epochs": 1}, NORMED], ids=["lenet5", "batch-norm"])
def test_a_frozen_block_never_changes_again(asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen, tensors, trains = dict[int, str](), dict[int, set[str]](), Block.train

    def train(block: Block, *given: Any) -> Generator[Any, None, Any]:
        finished = yield from trains(block, *given)
        for number, learner in zip(block.planned.numbers, block.learners, strict=True):
            state = learner.unit.state_dict()
            frozen[number], tensors[number] = digest(state), {bits(tensor) for tensor in state.values()}
        return finished

    monkeypatch.setattr(Block, "train", train)
    recipe = menu.get("training.neuroflux")
    params = recipe.params.model_validate(asked)
    seen, events = set[str](), []
    for event in execute(recipe, params, Context(tmp_path, inputs=resolve(params), seed=params.seed, threads=1)):
        events.append(event)
        if isinstance(event, Metric) and event.name == "learning_rate":
            seen.add(event.labels["variant"])
            for number, expected in frozen.items():
                assert digest(load_file(tmp_path / "units" / f"{number}.safetensors")) == expected, f"{number}, at {event.labels}"
    assert isinstance(events[-1], Finished), events[-1]
    assert len(seen) > 1, "nothing is shown by a run of one block"
    made = next(event for event in events if isinstance(event, VariantMade))
    kept = {bits(tensor) for tensor in load_file(tmp_path / made.file).values()}
    for number in range(1, events[-1].summary["exit"] + 1):
        assert tensors[number] <= kept, f"unit {number}"
