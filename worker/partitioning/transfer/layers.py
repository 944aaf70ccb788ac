"""A transfer layer's two halves, as standard layers: down before the network, up behind it, the shape restored exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from worker.dnn import layers
from worker.partitioning.transfer.options import Option, Shape
from worker.partitioning.transfer.rounding import Range, restoring, rounding


@dataclass(frozen=True)
class Halves:
    """Layers in a row, each list at least one long."""

    down: tuple[nn.Module, ...]
    up: tuple[nn.Module, ...]

    def __call__(self, x: Tensor) -> Tensor:
        for layer in (*self.down, *self.up):
            x = layer(x)
        return x

    @property
    def params_bytes(self) -> int:
        return 4 * sum(weight.numel() for layer in (*self.down, *self.up) for weight in layer.parameters())


@dataclass(frozen=True)
class Components:
    """The mean of each channel and the directions in which channels vary most, in columns, the strongest first."""

    mean: Tensor
    axes: Tensor


def halves(option: Option, shape: Shape, components: Components | None = None) -> Halves:
    """In float32. A bottleneck begins as the best linear one where `components` are known; ValueError where it cannot stand."""
    reason = option.unfit(shape)
    if reason:
        raise ValueError(f"No transfer layer {option} can stand here: {reason}.")
    if option.kind == "bottleneck":
        return _bottleneck(option, shape, components)
    return _MADE[option.kind](option, shape)


def with_int8(made: Halves, found: Range, rank: int) -> Halves:
    """The same, its numbers rounded on the way."""
    return Halves((*made.down, *rounding(found, rank)), (*restoring(found, rank), *made.up))


def _nothing(option: Option, shape: Shape) -> Halves:
    return Halves((nn.Identity(),), (nn.Identity(),))


def _largest(option: Option, shape: Shape) -> Halves:
    window = option.window(shape)
    return Halves((nn.MaxPool2d(window, window),), _enlarged(nn.Upsample(scale_factor=_floats(window)), option, shape))


def _mean(option: Option, shape: Shape) -> Halves:
    window = option.window(shape)
    larger = nn.Upsample(scale_factor=_floats(window), mode="bilinear", align_corners=False)
    return Halves((nn.AvgPool2d(window, window),), _enlarged(larger, option, shape))


def _strided(option: Option, shape: Shape) -> Halves:
    """It begins as a mean and a repetition; training goes on from there."""
    window, channels = option.window(shape), shape[0]
    down = nn.Conv2d(channels, channels, window, window, groups=channels, bias=False)
    up = nn.ConvTranspose2d(channels, channels, window, window, groups=channels, bias=False)
    nn.init.constant_(down.weight, 1 / (window[0] * window[1]))
    nn.init.ones_(up.weight)
    return Halves((down,), _enlarged(up, option, shape))


def _bottleneck(option: Option, shape: Shape, components: Components | None) -> Halves:
    channels, few = shape[0], option.crossing(shape)[0]
    down, up = nn.Conv2d(channels, few, 1), nn.Conv2d(few, channels, 1)
    mean, axes = (components.mean, components.axes) if components else (torch.zeros(channels), torch.eye(channels))
    axes = axes[:, :few]
    for layer, weight, bias in ((down, axes.T, -axes.T @ mean), (up, axes, mean)):
        _fill(layer, weight, bias)
    return Halves((down,), (up,))


def _fill(layer: nn.Conv2d, weight: Tensor, bias: Tensor) -> None:
    assert layer.bias is not None
    with torch.no_grad():
        layer.weight.copy_(weight[:, :, None, None])
        layer.bias.copy_(bias)


def _enlarged(larger: nn.Module, option: Option, shape: Shape) -> tuple[nn.Module, ...]:
    """Where a side was odd its last place is given again, so that what was sent comes out of the same pool once more."""
    back = [side * step for side, step in zip(option.crossing(shape)[1:], option.window(shape), strict=True)]
    lacks = tuple(side - got for side, got in zip(shape[1:], back, strict=True))
    return (larger, layers.Pad((0, 0, 0), (0, *lacks), "replicate")) if any(lacks) else (larger,)


def _floats(window: Sequence[int]) -> tuple[float, ...]:
    return tuple(map(float, window))


_MADE: dict[str, Callable[[Option, Shape], Halves]] = {
    "identity": _nothing, "max-pool": _largest, "average": _mean, "strided": _strided,
}
