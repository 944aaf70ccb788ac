"""A training that keeps to a memory budget: how its network is run, and what is told of its bytes and its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from worker.events import Metric
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

    def told(self, measured: int) -> Iterator[Metric]:
        yield from memory(WHOLE_NETWORK, self.predicted_bytes, measured, self.budget_bytes)


def memory(block: str, predicted: int, measured: int, budget: int) -> Iterator[Metric]:
    """What a block's steps were to need and needed, beside the budget; in MB of 10^6 bytes."""
    for figure, found in (("predicted", predicted), ("measured", measured)):
        if found:
            yield Metric(name=MEMORY, value=found / MB, labels={"block": block, "figure": figure})
    if budget:
        yield Metric(name=BUDGET, value=budget / MB, labels={"block": block, "figure": "predicted"})


def over_time(seconds: float, accuracy: float) -> Metric:
    """How accurate on validation data after so long a training, whatever the method: runs of several are laid over each other."""
    return Metric(name=OVER_TIME, value=accuracy, step=round(1000 * seconds))
