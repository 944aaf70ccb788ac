"""All channels of a network at once: what each set of coupled ones is worth, what it costs, and what is left without some.

A channel here is a number of `Channels`: layers that are tied together give and take the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, fx, nn

from worker.dnn.spec import name_of
from worker.dnn.surgery.balance import Choice
from worker.dnn.surgery.channels import channels
from worker.dnn.surgery.company import with_company
from worker.dnn.surgery.draft import drafted
from worker.dnn.surgery.mixing import MIXING, TRANSPOSED, Values, by_output
from worker.dnn.surgery.shrinking import Shrunk, kept_by_name
from worker.dnn.surgery.slimming import slim
from worker.dnn.surgery.streams import Flags, Ids

Measure = Callable[[Flags], int]


@dataclass(frozen=True)
class Member:
    """A layer's share in the channels. A weight of it lies between each of `writes` and each of `reads` in the same group,
    `kernel` numbers each; `beside` numbers more belong to each of `writes`, and `fixed` ones to none."""

    name: str
    writes: Ids | None
    reads: Ids | None
    groups: int = 1
    kernel: float = 0.0
    beside: float = 0.0
    fixed: int = 0

    @property
    def alone(self) -> bool:
        """Whether each input has outputs of its own: a depthwise layer."""
        return self.reads is not None and self.groups == len(self.reads) > 1

    def weights(self, alive: Flags) -> float:
        """How many numbers its weight has when only the channels alive are left."""
        if not self.kernel:
            return 0.0
        rows = _count(self.writes, alive)
        columns = self.kernel_columns(alive)
        return rows * columns * self.kernel

    def kernel_columns(self, alive: Flags) -> float:
        """How many inputs each output reads."""
        living = self._living(alive)
        return _count(self.reads, alive) / living if living else 0.0

    def kernel_rows(self, alive: Flags) -> float:
        """How many outputs read each input."""
        living = self._living(alive)
        return _count(self.writes, alive) / living if living else 0.0

    def _living(self, alive: Flags) -> int:
        if self.groups == 1 or self.reads is None:
            return self.groups
        return int(alive[self.reads].reshape(self.groups, -1).any(1).sum())


def _count(ids: Ids | None, alive: Flags) -> int:
    return 0 if ids is None else int(np.count_nonzero(alive[ids]))


class Groups:
    """A network's channels, ready to choose from; the network itself is left as it is."""

    def __init__(self, network: fx.GraphModule) -> None:
        self._draft = drafted(network)
        self._training = network.training
        self.found = channels(self._draft)
        self._nodes = {name_of(node): node.name for node in self._draft.graph.nodes if node.name in self._draft.layers}
        self.members = [_member(name, self._draft.layers[node], self.found.writes.get(node), self.found.reads.get(node))
                        for name, node in self._nodes.items()]
        self.all = np.ones(self.found.count, dtype=np.bool_)

    def removable(self) -> Flags:
        """Channels that some layer makes and nothing needs whole."""
        made = np.zeros(self.found.count, dtype=np.bool_)
        for name in self.found.producers:
            made[self.found.writes[name]] = True
        return made & ~self.found.pinned

    def cells(self) -> list[Ids]:
        """Channels that may stand in for each other: made by the same layers, in the same group of all that have groups."""
        marks, dice = np.zeros(self.found.count, dtype=np.int64), np.random.default_rng(0)
        sets = [self.found.writes[name] for name in self.found.producers]
        sets += [group for balance in self.found.balances for part in balance.parts for group in part]
        for ids, mark in zip(sets, dice.integers(1 << 62, size=len(sets)), strict=True):
            marks[ids] = marks[ids] ^ mark  # by assignment: a channel that lies twice in a set is marked once
        free = np.flatnonzero(self.removable())
        ordered = free[np.argsort(marks[free], kind="stable")]
        return np.split(ordered, np.flatnonzero(np.diff(marks[ordered])) + 1) if len(ordered) else []

    def makers(self, cell: Ids) -> list[str]:
        """The layers that make the channels of a cell."""
        names = {node: name for name, node in self._nodes.items()}
        return [names[node] for node in self.found.producers if (self.found.writes[node] == cell[0]).any()]

    def worth(self, scores: Mapping[str, Tensor]) -> Values:
        """What each channel is worth: the scores of all weights that make it, over all layers that do. `scores` has a
        number for each weight of the layers it names."""
        found = np.zeros(self.found.count)
        for name, score in scores.items():
            node = self._nodes[name]
            ids = self.found.writes.get(node)
            if ids is not None:
                rows = by_output(cast("Any", self._draft.layers[node]), score.detach()).flatten(1)
                np.add.at(found, ids, rows.sum(1, dtype=torch.float64).cpu().numpy())
        return found

    def params(self, alive: Flags) -> int:
        """How many parameters the network has with only the channels alive."""
        return round(sum(each.weights(alive) + each.beside * _count(each.writes, alive) + each.fixed for each in self.members))

    def macs(self, positions: Mapping[str, float]) -> Measure:
        """The same for multiply-accumulates; `positions`: how often a layer uses each of its weights for one sample. A layer
        that works once for every channel counts as if all of them stayed."""
        return lambda alive: round(sum(each.weights(alive) * positions.get(each.name, 0.0) for each in self.members))

    def costs(self, alive: Flags, positions: Mapping[str, float] | None = None) -> Values:
        """What goes with each channel if it alone goes: parameters, or multiply-accumulates where `positions` are given."""
        found = np.zeros(self.found.count)
        for each in self.members:
            times = 1.0 if positions is None else positions.get(each.name, 0.0)
            beside = each.beside if positions is None else 0.0
            if each.writes is not None:
                np.add.at(found, each.writes, times * each.kernel * each.kernel_columns(alive) + beside)
            if each.reads is not None and each.kernel and not each.alone:
                np.add.at(found, each.reads, times * each.kernel * each.kernel_rows(alive))
        return found

    def with_outputs(self, kept: Mapping[str, Tensor]) -> Flags:
        """The channels alive when each of these layers keeps only the outputs of these numbers."""
        alive = self.all.copy()
        for name, places in kept.items():
            ids = self.found.writes.get(self._nodes[name])
            if ids is not None:
                alive[np.delete(ids, places.numpy())] = False
        return alive

    def completed(self, chosen: Flags, worth: Values, *, round_to: int = 1, min_channels: int = 1) -> Flags:
        """The chosen channels and those that cannot go without them, the more worthy first."""
        return with_company(self.found, chosen | ~self.removable(), round_to=round_to, min_channels=max(1, min_channels),
                            choice=Choice(worth))

    @torch.no_grad()
    def silence(self, network: fx.GraphModule, alive: Flags) -> None:
        """Zero, in place, all numbers of `network` that only channels not alive have: it answers as if they were cut out."""
        for each in self.members:
            layer: Any = network.get_submodule(each.name)
            if each.kernel:
                _silence_mixing(layer, each, alive)
            elif each.writes is not None and not alive[each.writes].all():
                axis = self.found.axes.get(self._nodes[each.name], 0)
                dead = torch.from_numpy(np.flatnonzero(~alive[each.writes]))
                for parameter in layer.parameters(recurse=False):
                    parameter.index_fill_(axis, dead.to(parameter.device), 0.0)

    def cut(self, alive: Flags) -> Shrunk:
        """A copy of the network with only the channels alive. To be asked once."""
        kept = kept_by_name(self._draft, self.found, alive)
        slim(self._draft, self.found, alive)
        return Shrunk(self._draft.finished(training=self._training), kept, {})


def _member(name: str, layer: nn.Module, writes: Ids | None, reads: Ids | None) -> Member:
    numbers = sum(parameter.numel() for parameter in layer.parameters())
    if not numbers or writes is None:
        return Member(name, None, None, fixed=numbers)
    if not isinstance(layer, MIXING):
        return Member(name, writes, writes, beside=numbers / len(writes))
    groups, inputs = (1, layer.in_features) if isinstance(layer, nn.Linear) else (layer.groups, layer.in_channels)
    bias = 0.0 if layer.bias is None else 1.0
    per_row = layer.weight.numel() / len(writes)
    if reads is None:
        return Member(name, writes, None, beside=bias + per_row)
    return Member(name, writes, reads, groups, per_row * groups / inputs, bias)


def _silence_mixing(layer: Any, member: Member, alive: Flags) -> None:
    """Rows of dead outputs and columns of dead inputs, whichever way round the layer keeps them."""
    assert member.writes is not None and member.reads is not None
    weight, groups = layer.weight, member.groups
    rows, columns = (torch.from_numpy(alive[ids]).to(weight).view(groups, -1) for ids in (member.writes, member.reads))
    lives = columns[:, :, None] * rows[:, None] if isinstance(layer, TRANSPOSED) else rows[:, :, None] * columns[:, None]
    lives = lives.flatten(0, 1)
    weight.mul_(lives.view(*lives.shape, *[1] * (weight.ndim - 2)))
    if layer.bias is not None:
        layer.bias.mul_(rows.flatten())
