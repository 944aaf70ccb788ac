"""How many axes a node's sample has, and how many channels: as far as the layers before it tell, without any size."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx, nn

from worker.dnn import layers
from worker.dnn.spec import layer_of, sources

IMAGE, SIGNAL = 3, 2
_OF_IMAGES = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d,
              nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.PixelShuffle, nn.PixelUnshuffle)
_OF_SIGNALS = (nn.Conv1d, nn.ConvTranspose1d, nn.InstanceNorm1d, nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d,
               nn.AdaptiveMaxPool1d)
# Layers that may give another number of channels than they read, or take axes away.
_CHANGING = (nn.Flatten, nn.Linear, nn.PixelShuffle, nn.PixelUnshuffle, layers.Reshape, layers.Permute, layers.Mean, layers.Max,
             layers.Sum, layers.Pad)


def rank(network: fx.GraphModule, node: fx.Node) -> int:
    """How many axes a sample has there, the batch left out; an image's three where nothing tells."""
    layer = layer_of(network, node)
    match layer:
        case nn.Flatten():
            before = rank(network, sources(node)[0])
            first, last = (axis if axis >= 0 else before + 1 + axis for axis in (layer.start_dim, layer.end_dim))
            return before - (last - first)
        case layers.Permute():
            return len(layer.dims) - 1
        case layers.Reshape() | layers.Pad():
            return len(layer.shape if isinstance(layer, layers.Reshape) else layer.before)
        case layers.Mean() | layers.Max() | layers.Sum() if not layer.keepdim:
            return rank(network, sources(node)[0]) - len(layer.dims)
    if isinstance(layer, _OF_IMAGES):
        return IMAGE
    if isinstance(layer, _OF_SIGNALS):
        return SIGNAL
    return max((rank(network, source) for source in sources(node)), default=IMAGE)


def channels(network: fx.GraphModule, node: fx.Node) -> int | None:
    """How many channels the node's result has; None where it cannot be told."""
    layer: Any = layer_of(network, node)
    given = sources(node)
    match layer:
        case nn.Conv1d() | nn.Conv2d() | nn.ConvTranspose1d() | nn.ConvTranspose2d():
            return int(layer.out_channels)
        case nn.Linear() if rank(network, given[0]) == 1:
            return layer.out_features
        case layers.Slice() if layer.dim == 1 and layer.stop is not None:
            return len(range(layer.start, layer.stop, layer.step))
    if not given or isinstance(layer, _CHANGING) or (layer is None and node.op == "call_module"):
        return None
    if node.target is torch.cat:
        found = [channels(network, source) for source in given]
        return sum(each for each in found if each) if node.kwargs.get("dim") == 1 and None not in found else None
    return channels(network, given[0]) if layer is not None else _same(network, given)


def _same(network: fx.GraphModule, given: list[fx.Node]) -> int | None:
    found = {channels(network, source) for source in given} - {1}
    return found.pop() if len(found) == 1 else None
