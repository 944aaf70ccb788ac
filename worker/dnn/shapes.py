"""The shape of every node's result for one sample, by arithmetic alone: nothing is computed, nothing allocated."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import fx, nn

from worker.dnn.spec import layer_of, name_of

Shape = tuple[int, ...]

MOST_ELEMENTS = 1 << 28


def shapes(network: fx.GraphModule, in_shape: Shape) -> dict[str, Shape]:
    """Node name -> shape without the batch axis, in topological order.

    Raises ValueError in one sentence, naming the layer, where the shapes do not fit together.
    """
    found: dict[str, Shape] = {}
    for node in network.graph.nodes:
        given = [found[source.name] for source in node.all_input_nodes]
        found[node.name] = shape = tuple(in_shape) if node.op == "placeholder" else _after(network, node, given)
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


def _after(network: fx.GraphModule, node: fx.Node, given: list[Shape]) -> Shape:
    layer = layer_of(network, node)
    if layer is not None:
        return _after_layer(layer, name_of(node), given[0])
    if node.op == "output":
        return given[0]
    return _joined(name_of(node), given) if node.target is torch.cat else _broadcast(name_of(node), given)


def _after_layer(layer: nn.Module, name: str, shape: Shape) -> Shape:
    match layer:
        case nn.Conv2d():
            _expect(name, shape, channels=layer.in_channels, rank=3)
            return (layer.out_channels, *_windows(layer, shape, layer.dilation))
        case nn.Linear():
            _expect(name, shape[::-1], channels=layer.in_features, rank=len(shape))
            return (*shape[:-1], layer.out_features)
        case nn.BatchNorm2d() | nn.BatchNorm1d():
            rank = 3 if isinstance(layer, nn.BatchNorm2d) else 1
            _expect(name, shape, channels=layer.num_features, rank=rank)
        case nn.MaxPool2d():
            return _pooled(layer, name, shape, layer.dilation)
        case nn.AvgPool2d():
            return _pooled(layer, name, shape, 1)
        case nn.AdaptiveAvgPool2d():
            wished = _pair(layer.output_size)
            return (_image(name, shape)[0], wished[0] or shape[1], wished[1] or shape[2])
        case nn.Flatten():
            return _flat(layer, name, shape)
    return _unchanged(layer, name, shape)


def _unchanged(layer: nn.Module, name: str, shape: Shape) -> Shape:
    match layer:
        case nn.GroupNorm():
            _expect(name, shape, channels=layer.num_channels, rank=len(shape))
        case nn.PReLU() if layer.num_parameters > 1:
            _expect(name, shape, channels=layer.num_parameters, rank=len(shape))
        case nn.LayerNorm() if shape[-len(layer.normalized_shape) :] != tuple(layer.normalized_shape):
            raise ValueError(f"The layer {name} expects {_told(tuple(layer.normalized_shape))}, not {_told(shape)}.")
        case nn.Softmax() if layer.dim is None or not -len(shape) <= layer.dim <= len(shape) or layer.dim == 0:
            raise ValueError(f"The layer {name} has no axis {layer.dim} of a sample of shape {_told(shape)}.")
    return shape


def _pooled(layer: nn.MaxPool2d | nn.AvgPool2d, name: str, shape: Shape, dilation: int | tuple[int, ...]) -> Shape:
    kernel, padding = _pair(layer.kernel_size), _pair(layer.padding)
    if any(2 * pad > size for pad, size in zip(padding, kernel, strict=True)):
        raise ValueError(f"The layer {name} pads an image by more than half of its window.")
    return (_image(name, shape)[0], *_windows(layer, shape, dilation))


def _flat(layer: nn.Flatten, name: str, shape: Shape) -> Shape:
    if (layer.start_dim, layer.end_dim) not in ((1, -1), (1, len(shape))):
        raise ValueError(f"The layer {name} flattens other axes than all but the first.")
    return (math.prod(shape),)


def _expect(name: str, shape: Shape, *, channels: int, rank: int) -> None:
    if len(shape) != rank or not shape or shape[0] != channels:
        got = f"{shape[0]} of shape {_told(shape)}" if shape else "none"
        raise ValueError(f"The layer {name} expects {channels} channels but is given {got}.")


def _image(name: str, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise ValueError(f"The layer {name} expects an image but is given the shape {_told(shape)}.")
    return shape


def _pair(value: Any) -> tuple[Any, Any]:
    return (value[0], value[1]) if isinstance(value, tuple | list) else (value, value)


def _windows(layer: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d, shape: Shape, dilation: Any) -> Shape:
    """How many positions a sliding window takes along height and width, as torch counts them."""
    kernel, stride, padding, spread = map(_pair, (layer.kernel_size, layer.stride, layer.padding, dilation))
    ceil = bool(getattr(layer, "ceil_mode", False))
    return tuple(
        _positions(shape[1 + axis], kernel[axis], stride[axis], padding[axis], spread[axis], ceil) for axis in (0, 1)
    )


def _positions(size: int, kernel: int, stride: int, padding: int, spread: int, ceil: bool) -> int:
    room = size + 2 * padding - spread * (kernel - 1) - 1
    count = max(0, (-(-room // stride) if ceil else room // stride) + 1)
    # The last window of a ceiled pool must start inside the image or its left padding.
    return count - 1 if ceil and (count - 1) * stride >= size + padding else count


def _joined(name: str, given: list[Shape]) -> Shape:
    if len({shape[1:] for shape in given}) > 1:
        raise ValueError(f"The node {name} joins images of different sizes.")
    return (sum(shape[0] for shape in given), *given[0][1:])


def _broadcast(name: str, given: list[Shape]) -> Shape:
    try:
        return tuple(torch.broadcast_shapes(*given))  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        told = " and ".join(map(_told, given))
        raise ValueError(f"The node {name} is given shapes that do not fit: {told}.") from error
