"""A step of training without memory: the same code on torch's meta device, every tensor's birth and end noted."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from worker.dnn.shapes import Shape
from worker.training.memory.demand import Demand
from worker.training.memory.living import Living

META = torch.device("meta")
BATCHES = (2, 3)
# The optimiser's state comes with the first step; the second has it from its beginning.
STEPS = 2
Module = TypeVar("Module", bound=nn.Module)


class Learner(Protocol):
    """What is trained: its tensors, and one step on a batch."""

    def tensors(self) -> Iterable[Tensor]: ...

    def step(self, images: Tensor, labels: Tensor) -> object: ...


@dataclass(frozen=True)
class Rehearsed:
    """What a step needs, and the bytes that stay between steps: weights, buffers, the optimiser's state."""

    demand: Demand
    resident_bytes: int


def rehearsed(make: Callable[[], Learner], in_shape: Shape) -> Rehearsed:
    """What a step of the learner needs; `make` gives a fresh one on the meta device."""
    few, more = (_moments(make(), in_shape, batch) for batch in BATCHES)
    if len(few) != len(more):
        raise ValueError("The training step does other things for other batches, so what it needs cannot be foretold.")
    step = BATCHES[1] - BATCHES[0]
    slopes = [(b - a) // step for a, b in zip(few, more, strict=True)]
    demand = Demand.of((max(0, a - BATCHES[0] * slope), max(0, slope)) for a, slope in zip(few, slopes, strict=True))
    return Rehearsed(demand, few[-1])


def outlined(module: Module) -> Module:
    """The module with tensors that have no memory; its own are left alone."""
    memo: dict[int, Tensor] = {}
    for weight in module.parameters():
        memo[id(weight)] = nn.Parameter(torch.empty_like(weight, device=META), requires_grad=weight.requires_grad)
    for buffer in module.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device=META)
    return copy.deepcopy(module, memo)


def _moments(learner: Learner, in_shape: Shape, batch: int) -> list[int]:
    living = Living()
    living.note(learner.tensors())
    for _ in range(STEPS):
        images = torch.empty(batch, *in_shape, device=META)
        labels = torch.zeros(batch, dtype=torch.int64, device=META)
        living.note((images, labels))
        living.moments.append(living.bytes)
        with living:
            learner.step(images, labels)
        del images, labels
    return [*living.moments, living.bytes]
