"""What a walk through a network gathers about its channels, before equal ones are given the same number."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from torch import fx, nn

from worker.dnn.spec import name_of
from worker.dnn.surgery.streams import CHANNELS, NONE, Ids, Sides, Stream

INPUT, OUTPUT = "the network's input", "the network's output"


@dataclass(frozen=True)
class Balance:
    """An operator that must be left the same number of channels in each of its groups, or none of a group at all.

    Each part is (groups, channels of a group); what is said of a group holds part by part. `whole`: no part of a group
    may be empty while another is not.
    """

    node: str
    who: str
    parts: tuple[Ids, ...]
    whole: bool = True


@dataclass
class Walk:
    """`reads` and `writes`: a layer's channels on its input and its output axis; `moves`: for a node that rearranges
    channels, which places of its source each of its places is made of; `axes`: along which axis of its own a constant is
    cut; `cuts`: what a slice of the channels takes."""

    layers: dict[str, nn.Module]
    streams: dict[str, Stream] = field(default_factory=dict)
    reads: dict[str, Ids] = field(default_factory=dict)
    writes: dict[str, Ids] = field(default_factory=dict)
    moves: dict[str, Ids] = field(default_factory=dict)
    producers: list[str] = field(default_factory=list)
    pairs: list[tuple[Ids, Ids]] = field(default_factory=list)
    pins: list[tuple[Ids, str]] = field(default_factory=list)
    cuts: dict[str, Ids] = field(default_factory=dict)
    axes: dict[str, int] = field(default_factory=dict)
    grouped: list[Balance] = field(default_factory=list)
    shuffles: list[fx.Node] = field(default_factory=list)
    symbols: dict[Hashable, int] = field(default_factory=dict)
    count: int = 0
    orders: int = 0

    def number(self, count: int) -> Ids:
        """Channels that nothing is known of yet."""
        self.count += count
        return np.arange(self.count - count, self.count)

    def made(self, node: fx.Node, count: int, axis: int, sides: Sides | None) -> Stream:
        """The result of a layer that makes channels."""
        ids = self.writes[node.name] = self.number(count)
        self.producers.append(node.name)
        return Stream(ids, axis, sides)

    def order(self) -> int:
        self.orders += 1
        return self.orders

    def who(self, node: fx.Node) -> str:
        """An operator by its kind and name, as a sentence names it."""
        if node.op == "output":
            return OUTPUT
        layer = self.layers.get(node.name)
        kind = getattr(node.target, "__name__", str(node.target)) if layer is None else type(layer).__name__
        return f"{kind} {name_of(node)}"

    def pin(self, node: fx.Node, *streams: Stream) -> None:
        """These channels stay, for the node needs them all."""
        known = [stream.ids for stream in streams if stream.known]
        if known:
            who = self.who(node)
            self.pins += [(ids, who) for ids in known]

    def lost(self, node: fx.Node, sides: Sides | None, *streams: Stream) -> Stream:
        """The result of a node that is not followed any further: what it reads stays whole."""
        self.pin(node, *streams)
        return Stream(NONE, 0, sides)

    def side(self, key: Hashable = None) -> int:
        """The symbol of a size that is not known: the same for the same key, another without one."""
        if key is None:
            key = len(self.symbols)
        return self.symbols.setdefault(key, CHANNELS - 1 - len(self.symbols))

    def sides(self, count: int) -> Sides:
        return tuple(self.side() for _ in range(count))

    def window(self, side: int, kernel: int, stride: int, padding: int, dilation: int, *, ceil: bool = False) -> int:
        """How many positions a sliding window takes."""
        room = 2 * padding - dilation * (kernel - 1)
        if stride == 1 and room == 0:
            return side
        if side > 0 and not ceil:
            return (side + room - 1) // stride + 1
        return self.side(("window", side, room, stride, padding if ceil else None))
