"""A training that keeps to a memory budget: how its network is run, and what is told of its bytes and its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

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


def over_time(seconds: float, accuracy: float) -> Metric:
    """How accurate on validation data after so long a training, whatever the method: runs of several are laid over each other."""
    return Metric(name=OVER_TIME, value=accuracy, step=round(1000 * seconds))
