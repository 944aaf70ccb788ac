"""Offloading points: where a network can be parted so that a device trains what is in front and an edge server the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import fx, nn

from worker.dnn.cost import FLOAT32_BYTES, cost
from worker.dnn.shapes import Shape
from worker.dnn.slices import split
from worker.dnn.spec import name_of
from worker.dnn.units import NoUnits, units

WHOLE = "no offloading"


@dataclass(frozen=True)
class Place:
    """`after`: the layer behind which it is cut, empty where the device trains everything. `share`: of the multiply-accumulates
    of a forward pass, those on the device; `macs` all of them, of one image. `sent_bytes`: what goes over the link for an image,
    one way. `device_bytes`: the weights and buffers on the device, which it gets and gives back each round."""

    after: str
    share: float
    macs: int
    sent_bytes: int
    device_bytes: int

    @property
    def is_whole(self) -> bool:
        return not self.after

    @property
    def name(self) -> str:
        return f"behind {self.after}" if self.after else WHOLE


@dataclass(frozen=True)
class Halves:
    """A network's two parts; layers and tensors are those of the whole, so the names of its tensors are too."""

    device: nn.Module
    edge: nn.Module | None


def halves(network: fx.GraphModule, in_shape: Shape, after: str) -> Halves:
    """The parts of a cut behind a layer, one alone where `after` is empty. ValueError in a sentence where it cannot be cut."""
    if not after:
        return Halves(network, None)
    parts = split(network, in_shape, after)
    if not list(parts.head.network.parameters()) or not list(parts.tail.network.parameters()):
        raise ValueError(f"A cut behind {after} leaves one side without weights to train.")
    return Halves(parts.head.network, parts.tail.network)


def places(network: fx.GraphModule, in_shape: Shape) -> tuple[Place, ...]:
    """Behind each unit of the network (a layer with weights and what follows it without, or a residual block), and the whole.

    Of the cuts between two weighted layers the last one is taken, behind the pool, where least is sent.
    """
    try:
        found = [name_of(list(unit.network.graph.nodes)[-2]) for unit in units(network, in_shape).units]
    except NoUnits:
        found = []
    return tuple(place(network, in_shape, after) for after in (*found, ""))


def place(network: fx.GraphModule, in_shape: Shape, after: str) -> Place:
    """What a cut behind this layer means."""
    parts, costs = halves(network, in_shape, after), cost(network, in_shape)
    own = {name for name, _ in parts.device.named_modules()}
    macs = sum(layer.macs for layer in costs.layers if layer.name in own)
    sent = next((math.prod(layer.out_shape) for layer in costs.layers if layer.name == after), 0)
    return Place(after, macs / costs.macs if after else 1.0, costs.macs, FLOAT32_BYTES * sent, state_bytes(parts.device))


def state_bytes(module: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())
