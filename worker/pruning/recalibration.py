"""Batch-norm statistics computed anew on training images: pruning shrinks activations, the weights stay as they are.

After Saikumar, Varghese: "Signal Collapse in One-Shot Pruning: When Sparse Models Fail to Distinguish Neural
Representations", 2025, arXiv 2502.15790.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from worker.datasets import Data
from worker.events import Event, Log, Progress
from worker.profiling.pulse import Pulse
from worker.pruning.terms import Terms
from worker.training.accuracy import Score, score
from worker.training.batches import Batch, order, shuffled
from worker.training.hardware import chosen
from worker.wording import counted


@dataclass(frozen=True)
class Effect:
    """How often the pruned network was right on the test part before its statistics were computed anew, and after."""

    before: Score
    after: Score


def recalibration(
    network: torch.nn.Module, data: Data, terms: Terms, *, tell: bool,
) -> Generator[Event, None, Effect | None]:
    """What `terms` ask for, and what came of it; told of a network that has learned something before."""
    count = len(norms(network))
    if not count:
        yield Log(message="The network keeps no batch-norm statistics, so there is nothing to compute anew.")
        return None
    before = (yield from score(network, data, "test")) if tell else None
    images = yield from recalibrate(network, data, batches=terms.recalibrate, batch_size=terms.training.batch_size,
                                    seed=terms.training.seed)
    yield Log(message=f"The statistics of {counted(count, 'batch-norm layer')} were computed anew from {images:,} training "
                      "images; the weights are as they were.")
    if before is None:
        return None
    after = yield from score(network, data, "test")
    network.cpu()
    yield Log(message=f"That took the accuracy from {100 * before.accuracy:.1f} % to {100 * after.accuracy:.1f} % "
                      f"(test, n = {after.n}).")
    return Effect(before, after)


def norms(network: torch.nn.Module) -> list[_BatchNorm]:
    """The layers that keep running statistics."""
    return [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.running_mean is not None]


def recalibrate(
    network: torch.nn.Module, data: Data, *, batches: int, batch_size: int, seed: int,
) -> Generator[Progress, None, int]:
    """Set the running statistics to the mean over `batches` of the training part; returns the images that were used.

    Always the same images for a seed, plain ones; dropout and the like stay out of it.
    """
    device, pulse, images = chosen(), Pulse(), 0
    some = _full(order(len(data.parts["train"].labels), batch_size, seed=seed, epoch=0))[:batches]
    network.to(device).eval()
    with _averaging(norms(network)):
        for position, (batch, _) in enumerate(_served(data, some, device)):
            with torch.no_grad():
                network(batch)
            images += len(batch)
            if pulse.due():
                yield Progress(done=position + 1, total=len(some), stage="batches of recalibration")
    network.cpu().eval()
    return images


def _served(data: Data, batches: list[torch.Tensor], device: torch.device) -> Iterator[Batch]:
    return shuffled(data, data.parts["train"], batches, device)


def _full(batches: list[torch.Tensor]) -> list[torch.Tensor]:
    """Without a last batch that is smaller than the others: all weigh the same in the mean."""
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) < len(batches[0]) else batches


@contextmanager
def _averaging(layers: list[_BatchNorm]) -> Iterator[None]:
    """Training mode for these layers alone, their statistics a plain mean from nothing."""
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            layer.eval()
