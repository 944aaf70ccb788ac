"""What each kind of layer does to channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import fx, nn

from worker.dnn import layers
from worker.dnn.surgery import moving
from worker.dnn.surgery.mixing import TRANSPOSED, Convolution, is_depthwise
from worker.dnn.surgery.moving import leading
from worker.dnn.surgery.streams import CHANNELS, NONE, Sides, Stream, spelled
from worker.dnn.surgery.walk import Balance, Walk

Rule = Callable[[Walk, fx.Node, Any, Stream], Stream]

# Number by number: the channels stay where they are, and a constant stays one.
CHANNELWISE = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Softsign, nn.Hardswish,
    nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, layers.Affine, layers.Power, layers.Clamp, layers.Pointwise,
)


def _same(walk: Walk, node: fx.Node, layer: nn.Module, given: Stream) -> Stream:
    return given


def _convolved(walk: Walk, node: fx.Node, layer: Convolution, given: Stream) -> Stream:
    given = leading(walk, node, given, 1 + len(layer.kernel_size))
    assert given.sides is not None
    sides = (CHANNELS, *(_unfolded if isinstance(layer, TRANSPOSED) else _windows)(walk, layer, given.sides[1:]))
    if given.known and len(given.ids) != layer.in_channels:
        given = walk.lost(node, given.sides, given)
    if is_depthwise(layer):
        return _depthwise(walk, node, layer, given, sides)
    if given.known:
        walk.reads[node.name] = given.ids
    made = walk.made(node, layer.out_channels, 0, sides)
    if layer.groups > 1:
        _grouped(walk, node, layer, given, made)
    return made


def _grouped(walk: Walk, node: fx.Node, layer: Convolution, given: Stream, made: Stream) -> None:
    if not given.known:
        return walk.pin(node, made)
    parts = tuple(stream.ids.reshape(layer.groups, -1) for stream in (given, made))
    walk.grouped.append(Balance(node.name, walk.who(node), parts))
    return None


def _depthwise(walk: Walk, node: fx.Node, layer: Convolution, given: Stream, sides: Sides) -> Stream:
    times = layer.out_channels // layer.groups
    if not given.known or (given.order and times > 1):
        return walk.lost(node, sides, given)
    walk.reads[node.name] = walk.writes[node.name] = given.ids
    if times == 1:
        return Stream(given.ids, 0, sides, "", given.order)
    walk.moves[node.name] = np.repeat(np.arange(len(given.ids)), times)
    walk.writes[node.name] = ids = given.ids[walk.moves[node.name]]
    return Stream(ids, 0, sides)


def _each(value: Any, axes: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,) * axes


def _windows(walk: Walk, layer: Any, sides: Sides) -> Sides:
    axes, ceil = len(sides), bool(getattr(layer, "ceil_mode", False))
    kernel, stride, padding, dilation = (
        _each(value, axes) for value in
        (layer.kernel_size, layer.stride, getattr(layer, "padding", 0), getattr(layer, "dilation", 1)))
    return tuple(walk.window(sides[axis], kernel[axis], stride[axis], padding[axis], dilation[axis], ceil=ceil)
                 for axis in range(axes))


def _unfolded(walk: Walk, layer: Any, sides: Sides) -> Sides:
    axes = len(sides)
    told = [_each(value, axes) for value in
            (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.output_padding)]
    return tuple(walk.side(("unfolded", sides[axis], *(value[axis] for value in told))) for axis in range(axes))


def _linear(walk: Walk, node: fx.Node, layer: nn.Linear, given: Stream) -> Stream:
    """Linear layers read the last axis; channels on another one pass by."""
    rank = None if given.sides is None else len(given.sides)
    sides = None if given.sides is None else (*given.sides[:-1], layer.out_features)
    if given.known and not given.last:
        return Stream(given.ids, given.axis, sides, given.spread, given.order)
    if given.known:
        ids = spelled(given, given.ids, layer.in_features)
        if ids is None:
            walk.pin(node, given)
        else:
            walk.reads[node.name] = ids
    return walk.made(node, layer.out_features, -1 if rank is None else rank - 1, sides)


def _along(walk: Walk, node: fx.Node, given: Stream, places: int) -> Stream:
    """A layer with numbers of its own for each channel, on the first axis."""
    if not given.known:
        return given
    ids = spelled(given, given.ids, places) if given.sides is not None and given.axis == 0 else None
    if ids is None or (given.spread and given.order):
        return walk.lost(node, given.sides, given)
    walk.reads[node.name] = walk.writes[node.name] = ids
    return Stream(ids, 0, given.sides, "", given.order)


def _normed(walk: Walk, node: fx.Node, layer: Any, given: Stream) -> Stream:
    return _along(walk, node, given, layer.num_features)


def _normed_alone(walk: Walk, node: fx.Node, layer: Any, given: Stream) -> Stream:
    rank = 3 if isinstance(layer, nn.InstanceNorm2d) else 2
    return _along(walk, node, leading(walk, node, given, rank), layer.num_features)


def _prelu(walk: Walk, node: fx.Node, layer: nn.PReLU, given: Stream) -> Stream:
    return _along(walk, node, given, layer.num_parameters) if layer.num_parameters > 1 else given


def _in_groups(walk: Walk, node: fx.Node, layer: nn.GroupNorm, given: Stream) -> Stream:
    """Taking channels away changes the statistics of a group, unless each channel is one."""
    if layer.num_groups == layer.num_channels:
        return _along(walk, node, given, layer.num_channels)
    walk.pin(node, given)
    return given


def _over_last(walk: Walk, node: fx.Node, layer: nn.LayerNorm, given: Stream) -> Stream:
    if given.sides is None or given.axis >= len(given.sides) - len(layer.normalized_shape):
        walk.pin(node, given)
    return given


def _pinned(walk: Walk, node: fx.Node, layer: nn.Module, given: Stream) -> Stream:
    walk.pin(node, given)
    return given


def _softmax(walk: Walk, node: fx.Node, layer: Any, given: Stream) -> Stream:
    if given.sides is None or layer.dim is None:
        return _pinned(walk, node, layer, given)
    axis = layer.dim - 1 if layer.dim > 0 else len(given.sides) + layer.dim
    return _pinned(walk, node, layer, given) if axis == given.axis else given


def _pooled(walk: Walk, node: fx.Node, layer: Any, given: Stream) -> Stream:
    given = leading(walk, node, given, 2 if isinstance(layer, nn.MaxPool1d | nn.AvgPool1d) else 3)
    assert given.sides is not None
    return Stream(given.ids, 0, (given.sides[0], *_windows(walk, layer, given.sides[1:])), "", given.order)


def _adapted(walk: Walk, node: fx.Node, layer: Any, given: Stream) -> Stream:
    rank = 2 if isinstance(layer, nn.AdaptiveAvgPool1d | nn.AdaptiveMaxPool1d) else 3
    given = leading(walk, node, given, rank)
    assert given.sides is not None
    wished = _each(layer.output_size, rank - 1)
    sides = tuple(wish or side for wish, side in zip(wished, given.sides[1:], strict=True))
    return Stream(given.ids, 0, (given.sides[0], *sides), "", given.order)


def _resized(walk: Walk, node: fx.Node, layer: nn.Upsample, given: Stream) -> Stream:
    if given.sides is None or (given.known and (given.axis != 0 or given.spread)):
        return walk.lost(node, given.sides and walk.sides(len(given.sides)), given)
    wished: Any = layer.scale_factor if layer.size is None else layer.size
    each = _each(wished, len(given.sides) - 1)
    sides = each if layer.size is not None else tuple(
        walk.side(("times", side, times)) for side, times in zip(given.sides[1:], each, strict=True))
    return Stream(given.ids, 0, (given.sides[0], *sides), "", given.order)


def _spread(walk: Walk, node: fx.Node, layer: layers.Scale | layers.Shift, given: Stream) -> Stream:
    """A constant that is spread over the sample from the last axis on: cut with the channels if it has one for each."""
    shape = layer.shape
    sides = _widened(given.sides, shape)
    back = 1 if given.sides is None else len(given.sides) - given.axis
    if not given.known:
        return Stream(NONE, 0, sides)
    if back > len(shape) or shape[-back] == 1:
        return Stream(given.ids, given.axis, sides, given.spread, given.order)
    ids = spelled(given, given.ids, shape[-back])
    if ids is None or (given.spread and given.order):
        return walk.lost(node, sides, given)
    walk.reads[node.name] = walk.writes[node.name] = ids
    walk.axes[node.name] = len(shape) - back
    return Stream(ids, given.axis, sides, "", given.order)


def _widened(sides: Sides | None, shape: tuple[int, ...]) -> Sides | None:
    if sides is None:
        return None
    fitted = (1,) * (len(sides) - len(shape)) + tuple(shape)
    return tuple(side if fit == 1 else fit for side, fit in zip(sides, fitted, strict=True))


RULES: dict[type[nn.Module], Rule] = {
    **dict.fromkeys((*CHANNELWISE, nn.Dropout, nn.Identity), _same),
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d), _convolved),
    nn.Linear: _linear,
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), _normed),
    **dict.fromkeys((nn.InstanceNorm1d, nn.InstanceNorm2d), _normed_alone),
    nn.GroupNorm: _in_groups,
    nn.LayerNorm: _over_last,
    nn.LocalResponseNorm: _pinned,
    nn.PReLU: _prelu,
    **dict.fromkeys((nn.Softmax, nn.LogSoftmax), _softmax),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.LPPool2d), _pooled),
    **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d), _adapted),
    nn.Upsample: _resized,
    nn.PixelShuffle: moving.pixels_shuffled,
    nn.PixelUnshuffle: moving.pixels_unshuffled,
    nn.ChannelShuffle: moving.channels_shuffled,
    nn.Flatten: moving.flattened,
    **dict.fromkeys((layers.Scale, layers.Shift), _spread),
    layers.Reshape: moving.reshaped,
    layers.Permute: moving.permuted,
    layers.Slice: moving.sliced,
    layers.Pad: moving.padded,
    **dict.fromkeys((layers.Mean, layers.Max, layers.Sum), moving.reduced),
}
