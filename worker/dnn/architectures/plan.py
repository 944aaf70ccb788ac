"""What an architecture is asked for, and how its layers come to life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import fx, nn

from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.dnn.shapes import Shape, shapes


@dataclass(frozen=True)
class Plan:
    """`in_shape` is (channels, height, width); `width` multiplies every inner channel count."""

    name: str
    num_classes: int
    in_shape: Shape
    width: float

    def channels(self, count: int) -> int:
        return max(1, round(count * self.width))

    def needs(self, least: int) -> None:
        """ValueError when the image is smaller than `least` pixels along a side."""
        if len(self.in_shape) != 3 or self.in_shape[0] < 1:
            raise ValueError(f"{self.name} takes images of (channels, height, width), not {self.in_shape}.")
        if min(self.in_shape[1:]) < least:
            told = "x".join(map(str, self.in_shape))
            raise ValueError(f"{self.name} needs images of at least {least}x{least} pixels; {told} is too small.")


Maker = Callable[[Plan], nn.Module]


def drawn(maker: Maker, plan: Plan, seed: int | None) -> fx.GraphModule:
    """The traced network with drawn weights; made on torch's meta device, as constructors would draw a first time."""
    if plan.num_classes < 1 or plan.width <= 0:
        raise ValueError(f"{plan.name} needs at least one class and a width above 0.")
    with torch.device("meta"):
        network = trace(maker(plan))
    network.to_empty(device="cpu")
    reinitialise(network, seed)
    shapes(network, plan.in_shape)
    return network
