"""What an architecture is asked for, and how its layers come to life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import fx, nn

from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import embody

# From this side on an image is large: families with two forms take the one of ImageNet, below it the one of CIFAR.
LARGE = 96


@dataclass(frozen=True)
class Plan:
    """`in_shape` is (channels, height, width); `width` multiplies every inner channel count."""

    name: str
    num_classes: int
    in_shape: Shape
    width: float

    def channels(self, count: int) -> int:
        return max(1, round(count * self.width))

    @property
    def large(self) -> bool:
        """Whether the image calls for the family's form for ImageNet, with its early strides and large head."""
        return min(self.in_shape[1:]) >= LARGE

    def needs(self, least: int) -> None:
        """ValueError when the image is smaller than `least` pixels along a side."""
        if len(self.in_shape) != 3 or self.in_shape[0] < 1:
            raise ValueError(f"{self.name} takes images of (channels, height, width), not {self.in_shape}.")
        if min(self.in_shape[1:]) < least:
            told = "x".join(map(str, self.in_shape))
            raise ValueError(f"{self.name} needs images of at least {least}x{least} pixels; {told} is too small.")


Maker = Callable[[Plan], nn.Module]


def outlined(maker: Maker, plan: Plan) -> fx.GraphModule:
    """The traced network on torch's meta device: every layer and shape, no memory for weights."""
    if plan.num_classes < 1 or plan.width <= 0:
        raise ValueError(f"{plan.name} needs at least one class and a width above 0.")
    with torch.device("meta"):
        network = trace(maker(plan))
    shapes(network, plan.in_shape)
    return network


def drawn(maker: Maker, plan: Plan, seed: int | None) -> fx.GraphModule:
    """The traced network with drawn weights; outlined first, as constructors would draw a first time."""
    network = outlined(maker, plan)
    embody(network)
    reinitialise(network, seed)
    return network


def head_side(left: int, most: int) -> int:
    """To which side the image before a linear head is pooled: the largest divisor of what is left, `most` at most.

    torch's AdaptiveAvgPool2d takes any side, but windows of different sizes have no word in ONNX. At the size the
    paper was written for nothing is pooled.
    """
    return max(side for side in range(1, most + 1) if left % side == 0)
