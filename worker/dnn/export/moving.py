"""Layers that move, cut, pad or sum up: every shape is said for any batch."""

from __future__ import annotations

from torch import nn

from worker.dnn import layers
from worker.dnn.export.operators import Chain, Operator, number, reshaped, whole
from worker.dnn.shapes import Shape

_REDUCED: dict[type[nn.Module], str] = {layers.Mean: "ReduceMean", layers.Max: "ReduceMax", layers.Sum: "ReduceSum"}
_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


def said(layer: nn.Module, before: Shape, after: Shape) -> Chain | None:
    match layer:
        case nn.Flatten() if len(after) == 1:
            return [Operator("Flatten", {"axis": 1})]
        case nn.Flatten() | layers.Reshape():
            return [reshaped(*after)]
        case layers.Permute():
            return [Operator("Transpose", {"perm": list(layer.dims)})]
        case layers.Slice():
            return [_sliced(layer, before)]
        case layers.Pad():
            return [_padded(layer)]
        case layers.Mean() | layers.Max() | layers.Sum():
            return [Operator(_REDUCED[type(layer)], {"keepdims": int(layer.keepdim)}, axes=layer.dims)]
    return _shuffled(layer, before, after)


def _shuffled(layer: nn.Module, before: Shape, after: Shape) -> Chain | None:
    match layer:
        case nn.PixelShuffle():
            return [Operator("DepthToSpace", {"blocksize": layer.upscale_factor, "mode": "CRD"})]
        case nn.PixelUnshuffle():
            times = layer.downscale_factor
            blocks = (before[0], after[1], times, after[2], times)
            return _dealt(blocks, [0, 1, 3, 5, 2, 4], after)
        case nn.ChannelShuffle():
            groups = (layer.groups, before[0] // layer.groups, *before[1:])
            return _dealt(groups, [0, 2, 1, *range(3, len(groups) + 1)], after)
    return None


def _dealt(apart: Shape, order: list[int], after: Shape) -> Chain:
    return [Operator("Reshape", tensors={"apart": whole(0, *apart)}), Operator("Transpose", {"perm": order}), reshaped(*after)]


def _sliced(layer: layers.Slice, before: Shape) -> Operator:
    side = before[layer.dim - 1]
    stop = side if layer.stop is None else min(layer.stop, side)
    numbers = {"start": layer.start, "stop": stop, "dim": layer.dim, "step": layer.step}
    return Operator("Slice", tensors={key: whole(value) for key, value in numbers.items()})


def _padded(layer: layers.Pad) -> Operator:
    value = {"value": number(layer.value)} if layer.mode == "constant" else {}
    return Operator("Pad", {"mode": _MODES[layer.mode]}, {"places": whole(0, *layer.before, 0, *layer.after), **value})
