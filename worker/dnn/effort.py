"""Whether a network can be run at all here: a small file can describe endless work, so it is counted before anything computes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import fx, nn

from worker.dnn.cost import Cost, cost
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import layer_of, sources
from worker.firstlook import Unfit

MOST_ACTIVATION_BYTES = 1_000_000_000
MOST_OPERATIONS = 100_000_000_000
# A number that is fetched, changed and put back takes about as long as ten that are multiplied and added on the way.
MOVED = 10
MEMORY = "One image takes {got:,} bytes inside the network; at most {most:,} are taken."
WORK = "One image takes {got:,} operations inside the network; at most {most:,} are taken."
SIZE = "The network does not take images of {shape}."
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d)
_FLAT_POOLS, _POOLS = (nn.MaxPool1d, nn.AvgPool1d), (nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d)


def affordable(network: fx.GraphModule, in_shape: Shape) -> Cost:
    """What one image costs; Unfit, with both numbers, when that is more than anybody waits for."""
    try:
        total = cost(network, in_shape)
    except ValueError as error:
        raise Unfit(SIZE.format(shape="x".join(map(str, in_shape)))) from error
    if total.activation_bytes > MOST_ACTIVATION_BYTES:
        raise Unfit(MEMORY.format(got=total.activation_bytes, most=MOST_ACTIVATION_BYTES))
    bounded(operations(network, in_shape))
    return total


def bounded(got: int) -> int:
    """Unfit when so many operations are too many."""
    if got > MOST_OPERATIONS:
        raise Unfit(WORK.format(got=got, most=MOST_OPERATIONS))
    return got


def operations(network: fx.GraphModule, in_shape: Shape) -> int:
    """Of all layers together, for one image."""
    sizes = shapes(network, in_shape)
    return sum(of_layer(node, layer_of(network, node), [sizes[source.name] for source in sources(node)], sizes[node.name])
               for node in network.graph.nodes if node.op in ("call_module", "call_function"))


def of_layer(node: fx.Node, layer: nn.Module | None, given: Sequence[Shape], shape: Shape) -> int:
    """Multiplications of what multiplies; of every other layer the numbers that it moves."""
    count = math.prod(shape)
    if isinstance(layer, _CONVOLUTIONS):
        return count * math.prod(layer.kernel_size) * layer.in_channels // layer.groups
    if isinstance(layer, _TRANSPOSED):
        return math.prod(given[0]) * math.prod(layer.kernel_size) * layer.out_channels // layer.groups
    if isinstance(layer, nn.Linear):
        return count * layer.in_features
    if node.target is torch.matmul:
        return count * int(given[0][-1])
    return MOVED * count * _window(layer)


def _window(layer: nn.Module | None) -> int:
    """How many numbers one of the result is made of."""
    if isinstance(layer, nn.LocalResponseNorm):
        return int(layer.size)
    if not isinstance(layer, _FLAT_POOLS + _POOLS):
        return 1
    sides: Any = layer.kernel_size
    return math.prod(sides) if isinstance(sides, tuple) else int(sides) ** (2 if isinstance(layer, _POOLS) else 1)
