"""Gradient checkpointing: a segment's inside is forgotten on the way forwards and computed again on the way backwards.

Chen, Xu, Zhang, Guestrin: "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv 1604.06174: with about sqrt(L) segments of
L units what is kept and what is computed again at a time both grow with sqrt(L).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import pairwise

from torch import Tensor, fx, nn
from torch.utils.checkpoint import checkpoint

from worker.dnn.shapes import Shape
from worker.dnn.units import BATCH_NORM, joined, units


def segments(network: fx.GraphModule, in_shape: Shape) -> list[fx.GraphModule]:
    """The network in ceil(sqrt(L)) pieces of its L units, as even as can be; the last one has the network's own head.

    Raises worker.dnn.units.NoUnits where the network has none.
    """
    parts = units(network, in_shape)
    pieces = [unit.network for unit in parts.units]
    count = math.ceil(math.sqrt(len(pieces)))
    borders = [round(place * len(pieces) / count) for place in range(count + 1)]
    made = [pieces[begin:end] for begin, end in pairwise(borders)]
    made[-1] = [*made[-1], parts.head.network]
    return [joined(each) for each in made]


def way(in_shape: Shape) -> Callable[[nn.Module], Callable[[Tensor], Tensor]]:
    """How a network is run with checkpoints, for `worker.training.limits.Limits`."""

    def of(network: nn.Module) -> Callable[[Tensor], Tensor]:
        assert isinstance(network, fx.GraphModule)
        pieces = segments(network, in_shape)

        def forward(images: Tensor) -> Tensor:
            for piece in pieces[:-1]:
                images = checkpoint(piece, images, use_reentrant=False, context_fn=partial(_contexts, piece))
            # What is computed last is needed first: forgetting it would save nothing.
            result: Tensor = pieces[-1](images)
            return result

        return forward
    return of


def _contexts(piece: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _statistics_left_alone(piece)


@contextmanager
def _statistics_left_alone(piece: nn.Module) -> Iterator[None]:
    """Batch-norm took this batch into its running statistics the first time; a second time would count it twice.

    They stay in place, as torch compares what both passes keep: with no momentum they come out as they went in.
    """
    layers = [layer for layer in piece.modules() if isinstance(layer, BATCH_NORM) and layer.track_running_stats]
    before = [(layer.momentum, layer.num_batches_tracked) for layer in layers]
    for layer in layers:
        layer.momentum, layer.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for layer, (momentum, count) in zip(layers, before, strict=True):
            layer.momentum, layer.num_batches_tracked = momentum, count
