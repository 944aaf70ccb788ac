"""A training that keeps to a memory budget: how its network is run, and what is told of its bytes and its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from worker import budgets
from worker.events import Metric, Origin
from worker.training.memory.demand import MB

MEMORY = "memory_mb"
BUDGET = "memory_budget_mb"
OVER_TIME = "accuracy_over_milliseconds"
WHOLE_NETWORK = "whole network"
# How a network is run while it trains.
Way = Callable[[torch.nn.Module], Callable[[Tensor], Tensor]]


@dataclass(frozen=True)
class Limits:
    """`way`: how the network is run forwards in training, where not plainly. `budget_bytes`: 0 where there is none, and the
    bytes are only told."""

    predicted_bytes: int = 0
    budget_bytes: int = 0
    way: Way | None = None

    def foretold(self) -> Iterator[Metric]:
        yield from foretold({WHOLE_NETWORK: self.predicted_bytes}, self.budget_bytes)


def foretold(blocks: Mapping[str, int], budget: int) -> Iterator[Metric]:
    """What the steps of each block will need, in bytes, and the budget, where there is one: told before anything is trained."""
    if budget:
        yield Metric(name=BUDGET, value=budget / MB)
    for block, needed in blocks.items():
        yield _memory(block, "predicted", needed)


def measured(block: str, bytes_: int) -> Metric:
    """What the block's steps needed."""
    return _memory(block, "measured", bytes_)


def _memory(block: str, figure: Origin, bytes_: int) -> Metric:
    """In MB of 10^6 bytes."""
    return Metric(name=MEMORY, value=bytes_ / MB, labels={"block": block, "figure": figure})


def peak_of(told: Iterable[Metric]) -> int:
    """The bytes of the largest step that was measured; 0 where none was."""
    found = (each.value for each in told if each.name == MEMORY and each.labels.get("figure") == "measured")
    return round(MB * max((value for value in found if value is not None), default=0))


def kept_to(budget_bytes: int, peak_bytes: int, batch: int = 0, asked: int = 0) -> str:
    """What a verdict says of a budget: what was measured inside it, and the batch where a larger one did not fit."""
    if not budget_bytes or not peak_bytes:
        return ""
    peak = budgets.said(float(f"{peak_bytes:.3g}"))
    smaller = f", with batches of {batch}, as {asked} did not fit" if 0 < batch < asked else ""
    return f"; at most {peak} measured inside the budget of {budgets.said(budget_bytes)}{smaller}"


def over_time(seconds: float, accuracy: float) -> Metric:
    """How accurate on validation data after so long a training, whatever the method: runs of several are laid over each other."""
    return Metric(name=OVER_TIME, value=accuracy, step=round(1000 * seconds))
