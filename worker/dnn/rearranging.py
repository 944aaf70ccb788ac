"""The shapes of what is moved about, spread, cut or summed up: layers that change a sample's axes, not its channels' meaning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from worker.dnn import layers

Shape = tuple[int, ...]

REARRANGING: frozenset[type[nn.Module]] = frozenset({
    layers.Scale, layers.Shift, layers.Reshape, layers.Permute, layers.Slice, layers.Pad, layers.Mean, layers.Max, layers.Sum,
    nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle,
})


def rearranged(layer: nn.Module, name: str, shape: Shape) -> Shape:
    """The sample's shape after one of REARRANGING; ValueError, naming the layer, when it does not fit."""
    after = _after(layer, shape)
    if after is None:
        raise ValueError(f"The layer {name} ({type(layer).__name__}) does not fit a sample of shape {'x'.join(map(str, shape))}.")
    return after


def _after(layer: nn.Module, shape: Shape) -> Shape | None:
    match layer:
        case layers.Scale() | layers.Shift():
            return _spread(layer.shape, shape)
        case layers.Reshape():
            return _reshaped(layer.shape, math.prod(shape))
        case layers.Permute():
            fits = layer.dims[0] == 0 and sorted(layer.dims) == list(range(len(shape) + 1))
            return tuple(shape[dim - 1] for dim in layer.dims[1:]) if fits else None
        case layers.Slice():
            return _sliced(layer, shape)
        case layers.Pad():
            fits = len(layer.before) == len(layer.after) == len(shape) and _can_pad(layer, shape)
            return tuple(map(sum, zip(layer.before, shape, layer.after, strict=True))) if fits else None
        case layers.Mean() | layers.Max() | layers.Sum():
            return _reduced(layer.dims, layer.keepdim, shape)
        case nn.Upsample():
            return _resized(layer, shape)
        case nn.PixelShuffle() if len(shape) == 3 and shape[0] % layer.upscale_factor**2 == 0:
            times = layer.upscale_factor
            return (shape[0] // times**2, shape[1] * times, shape[2] * times)
        case nn.PixelUnshuffle() if len(shape) == 3 and all(side % layer.downscale_factor == 0 for side in shape[1:]):
            times = layer.downscale_factor
            return (shape[0] * times**2, shape[1] // times, shape[2] // times)
    return None


def together(shapes: Sequence[Shape]) -> Shape | None:
    """The shape that these are spread to, from the last axis on; None when they do not fit. torch's own loads SymPy first."""
    axes = max(map(len, shapes))
    sides = list(zip(*((1,) * (axes - len(shape)) + tuple(shape) for shape in shapes), strict=True))
    found = tuple(next((side for side in given if side != 1), 1) for given in sides)
    return found if all(side in (1, wide) for given, wide in zip(sides, found, strict=True) for side in given) else None


def _spread(weight: Shape, shape: Shape) -> Shape | None:
    """The weight must fit into the sample or spread it; it may not reach the batch axis."""
    return together([weight, shape]) if len(weight) <= len(shape) else None


def _reshaped(wished: Shape, count: int) -> Shape | None:
    known = math.prod(side for side in wished if side != -1)
    if -1 not in wished:
        return wished if known == count else None
    return tuple(count // known if side == -1 else side for side in wished) if known and count % known == 0 else None


def _sliced(layer: layers.Slice, shape: Shape) -> Shape | None:
    if not 1 <= layer.dim <= len(shape):
        return None
    places = len(range(*slice(layer.start, layer.stop, layer.step).indices(shape[layer.dim - 1])))
    return (*shape[: layer.dim - 1], places, *shape[layer.dim :])


def _can_pad(layer: layers.Pad, shape: Shape) -> bool:
    """torch reflects and repeats along the axes behind the channels only, and reflects less than a whole side."""
    if layer.mode == "constant":
        return True
    most = [side - 1 if layer.mode == "reflect" else side * 1024 for side in shape]
    most[0] = 0
    return all(max(pair) <= limit for *pair, limit in zip(layer.before, layer.after, most, strict=True))


def _reduced(dims: tuple[int, ...], keepdim: bool, shape: Shape) -> Shape | None:
    axes = {dim if dim > 0 else len(shape) + 1 + dim for dim in dims}
    if len(axes) < len(dims) or not all(1 <= axis <= len(shape) for axis in axes):
        return None
    return tuple(1 if axis in axes else side for axis, side in enumerate(shape, 1) if keepdim or axis not in axes)


def _resized(layer: nn.Upsample, shape: Shape) -> Shape | None:
    """torch takes a size or a factor, one for all axes or one for each."""
    axes = len(shape) - 1
    wished: Any = layer.scale_factor if layer.size is None else layer.size
    each = tuple(wished) if isinstance(wished, tuple | list) else (wished,) * axes
    if axes not in (1, 2) or len(each) != axes or None in each:
        return None
    sides = each if layer.size is not None else (math.floor(side * times) for side, times in zip(shape[1:], each, strict=True))
    return (shape[0], *map(int, sides))
