"""Which channels of which layers stand or fall together: a union-find over all channels of a network.

Channels are numbers in NumPy arrays that are carried through the graph; shapes are never computed (DepGraph, Fang et al.
2023, arXiv 2301.12900, asks the same question of single layers).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import fx, nn

from worker.dnn.spec import sources
from worker.dnn.surgery import joining
from worker.dnn.surgery.balance import balances
from worker.dnn.surgery.draft import Draft
from worker.dnn.surgery.mixing import CONVOLUTIONS
from worker.dnn.surgery.rules import CHANNELWISE, RULES
from worker.dnn.surgery.streams import CHANNELS, NONE, Flags, Ids, Stream
from worker.dnn.surgery.walk import INPUT, Balance, Walk


@dataclass(frozen=True)
class Channels:
    """What a walk found, coupled channels under one number: see `Walk`. `culprits`: who first pinned a channel, as an
    index into `who`, -1 for nobody."""

    streams: dict[str, Stream]
    reads: dict[str, Ids]
    writes: dict[str, Ids]
    moves: dict[str, Ids]
    axes: dict[str, int]
    slices: dict[str, Ids]
    producers: tuple[str, ...]
    balances: tuple[Balance, ...]
    shuffled: bool
    culprits: Ids
    who: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.culprits)

    @property
    def pinned(self) -> Flags:
        return self.culprits >= 0


def channels(draft: Draft) -> Channels:
    """Number every channel; coupled ones get the same number, untouchable ones are pinned."""
    walk = Walk(draft.layers)
    for node in draft.graph.nodes:
        walk.streams[node.name] = _after(walk, node)
    dealt = balances(draft.graph, walk)
    return _result(walk, dealt)


def _result(walk: Walk, dealt: list[Balance]) -> Channels:
    root = _roots(walk.count, walk.pairs)
    culprits = np.full(walk.count, -1)
    for index in reversed(range(len(walk.pins))):
        culprits[root[walk.pins[index][0]]] = index
    rooted = _Rooted(root)
    streams = {name: Stream(rooted(stream.ids), stream.axis, stream.sides, stream.spread, stream.order)
               for name, stream in walk.streams.items()}
    reads, writes, slices = ({name: rooted(ids) for name, ids in side.items()} for side in (walk.reads, walk.writes, walk.cuts))
    level = tuple(replace(balance, parts=tuple(root[part] for part in balance.parts)) for balance in dealt)
    return Channels(streams, reads, writes, walk.moves, walk.axes, slices, tuple(walk.producers), level, bool(walk.shuffles),
                    culprits, tuple(who for _, who in walk.pins))


class _Rooted:
    """Equal channels told by one number; the same array, which many layers share, gives the same array."""

    def __init__(self, root: Ids) -> None:
        self._root, self._found = root, dict[int, tuple[Ids, Ids]]()

    def __call__(self, ids: Ids) -> Ids:
        found = self._found.get(id(ids))
        if found is None:
            found = self._found[id(ids)] = ids, self._root[ids]  # with the key itself: nobody else gets its address
        return found[1]


def _roots(count: int, pairs: list[tuple[Ids, Ids]]) -> Ids:
    """Each channel's smallest equal: larger roots are hooked to smaller ones, pointers jump until nothing moves."""
    parent = np.arange(count)
    if not pairs:
        return parent
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    while True:
        one, other = parent[left], parent[right]
        if np.array_equal(one, other):
            return parent
        np.minimum.at(parent, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(parent, parent[parent]):
            parent = parent[parent]


def _after(walk: Walk, node: fx.Node) -> Stream:
    layer = walk.layers.get(node.name)
    if layer is not None:
        given = walk.streams[node.all_input_nodes[0].name]
        rule = RULES.get(type(layer))
        return walk.lost(node, None, given) if rule is None else rule(walk, node, layer, given)
    if node.op == "placeholder":
        return _input(walk, node)
    streams = [walk.streams[source.name] for source in sources(node)]
    if node.op == "output":
        walk.pin(node, *streams)
        return streams[0]
    if node.target is torch.cat:
        return joining.joined(walk, node, streams)
    return joining.multiplied(walk, node, streams) if node.target is torch.matmul else joining.paired(walk, node, streams)


def _input(walk: Walk, node: fx.Node) -> Stream:
    """How many channels come in is told by the first convolution that reads them as they are."""
    reader = _first_convolution(walk.layers, node)
    if reader is None:
        return Stream(NONE, 0, None)
    count, axes = reader.in_channels, len(reader.kernel_size)
    ids = walk.number(count)
    walk.pins.append((ids, INPUT))
    return Stream(ids, 0, (CHANNELS, *walk.sides(axes)))


def _first_convolution(layers: dict[str, nn.Module], node: fx.Node) -> nn.Conv2d | None:
    waiting = [node]
    while waiting:
        for user in waiting.pop(0).users:
            layer = layers.get(user.name)
            if isinstance(layer, CONVOLUTIONS):
                return layer  # type: ignore[return-value]
            if isinstance(layer, (*CHANNELWISE, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d)):
                waiting.append(user)
    return None
