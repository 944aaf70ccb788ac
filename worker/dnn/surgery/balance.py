"""Operators that deal channels out evenly: what may be taken away must be the same number from each of their groups.

A shuffle's result has its channels in an order of its own once some are gone: the first of each group, the second of each
group, and so on. Whatever cuts such a result in two must find the same channels on each side, so the cut goes back
through the shuffle and splits its groups into parts, each of which must stay even.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import fx, nn

from worker.dnn import layers
from worker.dnn.spec import sources
from worker.dnn.surgery.mixing import MIXING, is_depthwise
from worker.dnn.surgery.streams import Flags, Ids, Stream
from worker.dnn.surgery.walk import Balance, Walk


def balances(graph: fx.Graph, walk: Walk) -> list[Balance]:
    """Every balance of the network. Parts of one channel a group are coupled instead."""
    if not walk.shuffles:
        return walk.grouped
    borders = {name: np.zeros(len(stream.ids) + 1, dtype=np.bool_) for name, stream in walk.streams.items()}
    dealt = list(walk.grouped)
    for node in reversed(graph.nodes):
        layer = walk.layers.get(node.name)
        if isinstance(layer, nn.ChannelShuffle) and walk.streams[node.name].order:
            dealt += _parts(walk, node, layer, borders)
        for position, source in enumerate(sources(node)):
            if walk.streams[source.name].order:
                borders[source.name] |= _passed_back(walk, node, position, borders[node.name])
    return dealt


def _parts(walk: Walk, node: fx.Node, layer: nn.ChannelShuffle, borders: dict[str, Flags]) -> list[Balance]:
    given = walk.streams[sources(node)[0].name].ids.reshape(layer.groups, -1)
    edges = np.flatnonzero(_within_groups(borders[node.name], layer.groups, given.shape[1]))
    parts = [given[:, first:last] for first, last in pairwise(edges)]
    for part in parts:
        if part.shape[1] == 1:
            walk.pairs.append((np.repeat(part[:1, 0], len(part) - 1), part[1:, 0]))
    return [Balance(node.name, walk.who(node), tuple(parts), whole=False)] if max(map(np.size, parts)) > len(given) else []


def _within_groups(borders: Flags, groups: int, size: int) -> Flags:
    """Where a group is cut when a shuffle's result is cut at `borders`."""
    rounds, rest = np.divmod(np.flatnonzero(borders), groups)
    edges = np.zeros(size + 1, dtype=np.bool_)
    edges[[0, size, *rounds]] = True
    edges[rounds[rest > 0] + 1] = True
    return edges


def _passed_back(walk: Walk, node: fx.Node, position: int, borders: Flags) -> Flags:
    """Where the source of a node must not be mixed up, given where its result must not."""
    source, made, layer = walk.streams[sources(node)[position].name], walk.streams[node.name], walk.layers.get(node.name)
    found = np.zeros(len(source.ids) + 1, dtype=np.bool_)
    if isinstance(layer, nn.ChannelShuffle):
        edges = _within_groups(borders, layer.groups, len(source.ids) // layer.groups)
        found[:-1] = np.tile(edges[:-1], layer.groups)
    elif isinstance(layer, MIXING) and not is_depthwise(layer) and node.name in walk.reads:
        groups = 1 if isinstance(layer, nn.Linear) else layer.groups
        found[:: len(source.ids) // groups] = True
    elif node.name in walk.cuts and isinstance(layer, layers.Slice):
        places = walk.moves[node.name]
        found[places[0] : places[0] + len(borders)] |= borders
        found[[places[0], places[-1] + 1]] = True
    elif node.target is torch.cat and len(made.ids) > len(source.ids):
        start = sum(len(walk.streams[other.name].ids) for other in sources(node)[:position])
        found |= borders[start : start + len(found)]
    elif _alike(source, made):
        found |= borders
    else:
        found[:] = True
    return found


def _alike(source: Stream, made: Stream) -> bool:
    return source.order == made.order and len(source.ids) == len(made.ids)


@dataclass(frozen=True)
class Choice:
    """Which of several dead channels to keep first: those worth most, else the lowest."""

    worth: np.typing.NDArray[np.float64] | None = None

    def best(self, ids: Ids, count: int) -> Ids:
        if self.worth is None:
            return ids[:count]
        return ids[np.argsort(-self.worth[ids], kind="stable")][:count]


def level(balance: Balance, alive: Flags, choice: Choice) -> None:
    """Keep some dead channels as well, until every group that has any has as many as the others, part by part."""
    counts = [alive[part].sum(1) for part in balance.parts]
    living = np.any(counts, axis=0)
    if not living.any():
        living[0] = True  # an operator without channels is none
    for part, count in zip(balance.parts, counts, strict=True):
        wanted = max(1 if balance.whole else 0, int(count[living].max()))
        for group in np.flatnonzero(living & (count < wanted)):
            dead = part[group][~alive[part[group]]]
            alive[choice.best(dead, wanted - int(count[group]))] = True
