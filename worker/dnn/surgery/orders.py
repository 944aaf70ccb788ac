"""In which order the channels that stay come, at every node of a network whose channels are shuffled."""

from __future__ import annotations

import numpy as np
import torch
from torch import fx, nn

from worker.dnn.spec import sources
from worker.dnn.surgery.channels import Channels
from worker.dnn.surgery.draft import Draft
from worker.dnn.surgery.streams import Flags, Ids


class Orders:
    """`places(name)`: the places of a node's channel axis that stay, in the order they then have."""

    def __init__(self, draft: Draft, channels: Channels, alive: Flags) -> None:
        self.channels, self.alive, self.found = channels, alive, dict[str, Ids]()
        for node in draft.graph.nodes if channels.shuffled else ():
            if channels.streams[node.name].order:
                self.found[node.name] = self._after(node, draft.layer(node))

    def places(self, name: str) -> Ids:
        found = self.found.get(name)
        return np.flatnonzero(self.alive[self.channels.streams[name].ids]) if found is None else found

    def _after(self, node: fx.Node, layer: nn.Module | None) -> Ids:
        given = sources(node)
        if isinstance(layer, nn.ChannelShuffle):
            return self._shuffled(given[0], layer.groups)
        if node.name in self.channels.slices:
            first, last = self.cut(node)
            return np.asarray(self.places(given[0].name)[first:last] - self.channels.moves[node.name][0])
        if node.target is torch.cat and len(self.channels.streams[given[0].name].ids) < len(self.channels.streams[node.name].ids):
            widths = [len(self.channels.streams[source.name].ids) for source in given]
            starts = np.cumsum([0, *widths[:-1]])
            return np.concatenate([self.places(source.name) + start for source, start in zip(given, starts, strict=True)])
        wide = max(given, key=lambda source: len(self.channels.streams[source.name].ids))
        return self.places(wide.name)

    def _shuffled(self, source: fx.Node, groups: int) -> Ids:
        size = len(self.channels.streams[source.name].ids) // groups
        group, place = np.divmod(self.places(source.name), size)
        living = len(np.unique(group))
        rows = group.reshape(living, -1)
        assert (rows == rows[:, :1]).all() and (np.diff(rows[:, 0]) > 0).all(), "a shuffle is left with groups of equal size"
        return np.asarray((place * groups + group).reshape(living, -1).T.ravel())

    def cut(self, node: fx.Node) -> tuple[int, int]:
        """Between which places of its source, of those that stay, a slice now lies."""
        source, moved = self.places(sources(node)[0].name), self.channels.moves[node.name]
        inside = np.flatnonzero(np.isin(source, moved))
        first, last = int(inside[0]), int(inside[-1]) + 1
        assert last - first == len(inside), "a slice is left with neighbours"
        return first, last

    def groups(self, node: fx.Node, groups: int) -> int:
        """How many groups a shuffle still has."""
        source = sources(node)[0].name
        size = len(self.channels.streams[source].ids) // groups
        return len(np.unique(self.places(source) // size))
