"""The images that scores are taken on: as many of every class, chosen by the seed alone, never augmented."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from worker.datasets import Data
from worker.training.batches import Batch, shuffled

BATCH = 128


@dataclass(frozen=True)
class ScoringSet:
    """Images and labels in batches; it may be gone through again and again, and holds positions only."""

    data: Data
    positions: tuple[torch.Tensor, ...]
    device: torch.device

    def __iter__(self) -> Iterator[Batch]:
        return shuffled(self.data, self.data.parts["train"], list(self.positions), self.device)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def images(self) -> int:
        return sum(map(len, self.positions))


def balanced(
    data: Data, per_class: int, *, seed: int, batch_size: int = BATCH, device: torch.device | None = None,
) -> ScoringSet:
    """`per_class` training images of each class, or all that a class has. A last batch of one joins its neighbour."""
    labels = torch.as_tensor(data.parts["train"].labels)
    drawn = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    chosen = drawn[_places(labels[drawn]) < per_class]
    batches = list(torch.split(chosen, batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return ScoringSet(data, tuple(batches), device or torch.device("cpu"))


def _places(labels: torch.Tensor) -> torch.Tensor:
    """The how-manieth of its class each label is, from 0."""
    by_class = torch.sort(labels, stable=True).indices
    counts = torch.bincount(labels)
    begins = (counts.cumsum(0) - counts)[labels[by_class]]
    return torch.empty_like(labels).scatter_(0, by_class, torch.arange(len(labels)) - begins)
