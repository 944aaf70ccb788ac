"""The shape of every node's result for one sample, by arithmetic alone: nothing is computed, nothing allocated."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import fx, nn

from worker.dnn.rearranging import REARRANGING, rearranged, together
from worker.dnn.spec import layer_of, name_of, sources

Shape = tuple[int, ...]

MOST_ELEMENTS = 1 << 28


def shapes(network: fx.GraphModule, in_shape: Shape) -> dict[str, Shape]:
    """Node name -> shape without the batch axis, in topological order.

    Raises ValueError in one sentence, naming the layer, where the shapes do not fit together.
    """
    found: dict[str, Shape] = {}
    for node in network.graph.nodes:
        given = [found[source.name] for source in sources(node)]
        found[node.name] = shape = tuple(in_shape) if node.op == "placeholder" else after(node, layer_of(network, node), given)
        if min(shape, default=1) < 1:
            raise ValueError(f"An input of {_told(in_shape)} is too small: nothing is left of it at {name_of(node)}.")
        if math.prod(shape) > MOST_ELEMENTS:
            raise ValueError(f"The result of {name_of(node)} would have more than {MOST_ELEMENTS} numbers.")
    return found


def output_shape(network: fx.GraphModule, in_shape: Shape) -> Shape:
    """The shape of the network's answer for one sample."""
    return list(shapes(network, in_shape).values())[-1]


def _told(shape: Shape) -> str:
    return "x".join(map(str, shape))


def after(node: fx.Node, layer: nn.Module | None, given: list[Shape]) -> Shape:
    """The shape of one node's result, from the layer that it calls and the shapes that it is given."""
    if layer is not None:
        return _after_layer(layer, name_of(node), given[0])
    if node.op == "output":
        return given[0]
    if node.target is torch.cat:
        return _joined(name_of(node), given, cast("int", node.kwargs["dim"]))
    return _multiplied(name_of(node), given) if node.target is torch.matmul else _broadcast(name_of(node), given)


def _after_layer(layer: nn.Module, name: str, shape: Shape) -> Shape:
    match layer:
        case nn.Conv2d() | nn.Conv1d():
            _expect(name, shape, channels=layer.in_channels, rank=1 + len(layer.kernel_size))
            return (layer.out_channels, *_windows(layer, shape, layer.dilation))
        case nn.ConvTranspose2d() | nn.ConvTranspose1d():
            _expect(name, shape, channels=layer.in_channels, rank=1 + len(layer.kernel_size))
            return (layer.out_channels, *_unfolded(layer, shape))
        case nn.Linear():
            _expect(name, shape[::-1], channels=layer.in_features, rank=len(shape))
            return (*shape[:-1], layer.out_features)
        case nn.MaxPool2d() | nn.MaxPool1d():
            return _pooled(layer, name, shape, layer.dilation)
        case nn.AvgPool2d() | nn.AvgPool1d() | nn.LPPool2d():
            return _pooled(layer, name, shape, 1)
        case nn.AdaptiveAvgPool2d() | nn.AdaptiveMaxPool2d():
            return _adapted(layer, name, _of_rank(name, shape, 3))
        case nn.AdaptiveAvgPool1d() | nn.AdaptiveMaxPool1d():
            return _adapted(layer, name, _of_rank(name, shape, 2))
        case nn.Flatten():
            return _flat(layer, name, shape)
    return rearranged(layer, name, shape) if type(layer) in REARRANGING else _unchanged(layer, name, shape)


def _unchanged(layer: nn.Module, name: str, shape: Shape) -> Shape:
    match layer:
        case nn.InstanceNorm1d() | nn.InstanceNorm2d() if math.prod(shape[1:]) == 1:
            raise ValueError(f"The layer {name} compares the places of an image, but there is only one.")
        case nn.BatchNorm2d() | nn.InstanceNorm2d():
            _expect(name, shape, channels=layer.num_features, rank=3)
        case nn.InstanceNorm1d():
            _expect(name, shape, channels=layer.num_features, rank=2)
        case nn.BatchNorm1d():
            _expect(name, shape, channels=layer.num_features, rank=min(max(len(shape), 1), 2))
        case nn.GroupNorm():
            _expect(name, shape, channels=layer.num_channels, rank=len(shape))
        case nn.PReLU() if layer.num_parameters > 1:
            _expect(name, shape, channels=layer.num_parameters, rank=len(shape))
        case nn.LocalResponseNorm() | nn.ChannelShuffle() if len(shape) < 2:
            raise ValueError(f"The layer {name} expects channels and places but is given the shape {_told(shape)}.")
        case nn.ChannelShuffle() if shape[0] % layer.groups:
            raise ValueError(f"The layer {name} cannot deal {shape[0]} channels to {layer.groups} groups.")
        case nn.LayerNorm() if shape[-len(layer.normalized_shape) :] != tuple(layer.normalized_shape):
            raise ValueError(f"The layer {name} expects {_told(tuple(layer.normalized_shape))}, not {_told(shape)}.")
        case nn.Softmax() | nn.LogSoftmax() if layer.dim is None or not -len(shape) <= layer.dim <= len(shape) or layer.dim == 0:
            raise ValueError(f"The layer {name} has no axis {layer.dim} of a sample of shape {_told(shape)}.")
    return shape


def _pooled(layer: Any, name: str, shape: Shape, dilation: Any) -> Shape:
    axes = 1 if isinstance(layer, nn.MaxPool1d | nn.AvgPool1d) else 2
    kernel, padding = _each(layer.kernel_size, axes), _each(getattr(layer, "padding", 0), axes)
    if any(2 * pad > size for pad, size in zip(padding, kernel, strict=True)):
        raise ValueError(f"The layer {name} pads by more than half of its window.")
    return (_of_rank(name, shape, 1 + axes)[0], *_windows(layer, shape, dilation))


def _adapted(layer: Any, name: str, shape: Shape) -> Shape:
    wished = _each(layer.output_size, len(shape) - 1)
    return (shape[0], *(wish or side for wish, side in zip(wished, shape[1:], strict=True)))


def _flat(layer: nn.Flatten, name: str, shape: Shape) -> Shape:
    first, last = (axis if axis >= 0 else len(shape) + 1 + axis for axis in (layer.start_dim, layer.end_dim))
    if not 1 <= first <= last <= len(shape):
        raise ValueError(f"The layer {name} flattens axes that a sample of shape {_told(shape)} does not have.")
    return (*shape[: first - 1], math.prod(shape[first - 1 : last]), *shape[last:])


def _expect(name: str, shape: Shape, *, channels: int, rank: int) -> None:
    if len(shape) != rank or not shape or shape[0] != channels:
        got = f"{shape[0]} of shape {_told(shape)}" if shape else "none"
        raise ValueError(f"The layer {name} expects {channels} channels but is given {got}.")


def _of_rank(name: str, shape: Shape, rank: int) -> Shape:
    if len(shape) != rank:
        thing = "an image" if rank == 3 else "a signal of channels and places"
        raise ValueError(f"The layer {name} expects {thing} but is given the shape {_told(shape)}.")
    return shape


def _each(value: Any, axes: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list):
        return (value,) * axes
    if len(value) != axes:
        raise ValueError(f"A layer has {len(value)} numbers where {axes} are needed.")
    return tuple(value)


def _windows(layer: Any, shape: Shape, dilation: Any) -> Shape:
    """How many positions a sliding window takes along each axis, as torch counts them."""
    axes = len(shape) - 1
    kernel, stride, padding, spread = (
        _each(value, axes) for value in (layer.kernel_size, layer.stride, getattr(layer, "padding", 0), dilation))
    ceil = bool(getattr(layer, "ceil_mode", False))
    return tuple(
        _positions(shape[1 + axis], kernel[axis], stride[axis], padding[axis], spread[axis], ceil) for axis in range(axes)
    )


def _unfolded(layer: nn.ConvTranspose1d | nn.ConvTranspose2d, shape: Shape) -> Shape:
    """The size of a transposed convolution's result, the convolution's arithmetic the other way round."""
    axes = len(shape) - 1
    kernel, stride, padding, spread, extra = (
        _each(value, axes) for value in (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.output_padding))
    return tuple((shape[1 + axis] - 1) * stride[axis] - 2 * padding[axis] + spread[axis] * (kernel[axis] - 1) + extra[axis] + 1
                 for axis in range(axes))


def _positions(size: int, kernel: int, stride: int, padding: int, spread: int, ceil: bool) -> int:
    room = size + 2 * padding - spread * (kernel - 1) - 1
    count = max(0, (-(-room // stride) if ceil else room // stride) + 1)
    # The last window of a ceiled pool must start inside the image or its left padding.
    return count - 1 if ceil and (count - 1) * stride >= size + padding else count


def _joined(name: str, given: list[Shape], dim: int) -> Shape:
    axis = dim - 1
    rests = {(*shape[:axis], *shape[dim:]) for shape in given}
    if len(rests) > 1 or axis >= min(map(len, given)):
        raise ValueError(f"The node {name} joins results of different sizes.")
    return (*given[0][:axis], sum(shape[axis] for shape in given), *given[0][dim:])


def _multiplied(name: str, given: list[Shape]) -> Shape:
    """Matrices times matrices, sample by sample."""
    one, other = given
    if len(one) < 2 or len(other) < 2 or one[-1] != other[-2]:
        raise ValueError(f"The node {name} multiplies matrices that do not fit: {_told(one)} and {_told(other)}.")
    return (*_broadcast(name, [one[:-2], other[:-2]]), one[-2], other[-1])


def _broadcast(name: str, given: list[Shape]) -> Shape:
    # Of unlike length, axes would be compared with the batch.
    found = together(given) if len(set(map(len, given))) == 1 else None
    if found is None:
        raise ValueError(f"The node {name} is given shapes that do not fit: {' and '.join(map(_told, given))}.")
    return found
