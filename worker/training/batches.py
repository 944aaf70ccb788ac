"""The order of the images, a function of seed and epoch alone: a resumed run sees what an unkilled one would."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from worker.datasets import Data, Part, normalise

EPOCHS_A_SEED = 1_000_003
EVALUATION = 64
Batch = tuple[torch.Tensor, torch.Tensor]
# What becomes of uint8 images, given their places in the part.
Change = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def order(n: int, batch_size: int, *, seed: int, epoch: int, strict: bool = False) -> list[torch.Tensor]:
    """Shuffled positions in batches. A last batch of one joins its neighbour: batch-norm cannot train on one image.

    `strict`: no batch may be larger than `batch_size`; the neighbour gives one of its images away instead.
    """
    generator = torch.Generator().manual_seed(seed * EPOCHS_A_SEED + epoch)
    batches = list(torch.split(torch.randperm(n, generator=generator), batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = _evened(batches[-2:]) if strict else [torch.cat(batches[-2:])]
    return batches


def _evened(last: list[torch.Tensor]) -> list[torch.Tensor]:
    """Batches of one stay; of two and one the single image waits for an epoch that draws another."""
    if len(last[0]) == 2:
        return last[:1]
    return last if len(last[0]) == 1 else list(torch.split(torch.cat(last), [len(last[0]) - 1, 2]))


def shuffled(
    data: Data, part: Part, batches: list[torch.Tensor], device: torch.device, change: Change | None = None,
) -> Iterator[Batch]:
    """Only the images of one batch are ever read out of the part, which may be a file larger than memory."""
    images, labels = torch.as_tensor(part.images), torch.as_tensor(part.labels)
    for index in batches:  # nothing of a batch may outlive its step: memory budgets count on it
        yield _normalised(images, index, data, change).to(device), labels[index].to(device)


def _normalised(images: torch.Tensor, index: torch.Tensor, data: Data, change: Change | None) -> torch.Tensor:
    return normalise(images[index] if change is None else change(images[index], index), data)


def in_order(data: Data, part: Part, device: torch.device, batch: int = EVALUATION) -> Iterator[Batch]:
    images, labels = torch.as_tensor(part.images), torch.as_tensor(part.labels)
    for begin in range(0, len(labels), batch):
        some = slice(begin, begin + batch)
        yield normalise(images[some], data).to(device), labels[some].to(device)
