"""Which channels compute a constant, and which one: the value of a channel that no input can change, else NaN.

A dead filter's channel is seldom zero: after bias, batch-norm and activation f it is f(beta + gamma (b - mean) / std).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import fx, nn

from worker.dnn import layers
from worker.dnn.kinds import function_name
from worker.dnn.spec import sources
from worker.dnn.surgery import constants
from worker.dnn.surgery.channels import Channels
from worker.dnn.surgery.constants import numbers
from worker.dnn.surgery.draft import Draft
from worker.dnn.surgery.mixing import Convolution, Mixing, Values, connections, foldable, folded, is_depthwise, mixes, widths
from worker.dnn.surgery.streams import Flags, spelled

Policy = Literal["mask_affine", "exact", "drop"]
POLICIES: tuple[Policy, ...] = ("mask_affine", "exact", "drop")

_SILENT = {
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.GroupNorm), ("weight", "bias")),
    layers.Shift: ("bias",),
}


class Plainness:
    """One walk through a draft. With `mask_affine` it also silences dead filters' affine parameters as it goes."""

    def __init__(self, draft: Draft, channels: Channels, policy: Policy) -> None:
        self.draft, self.channels, self.policy = draft, channels, policy
        self.values: dict[str, Values | None] = {}
        for node in draft.graph.nodes:
            self.values[node.name] = self._after(node) if channels.streams[node.name].known else None

    def read(self, node: fx.Node) -> Values:
        """The values a layer reads, one for each place on its input axis; NaN where they vary or are not known."""
        layer, source = self.draft.layer(node), sources(node)[0].name
        given, ids = self.values[source], self.channels.reads.get(node.name)
        if given is None or ids is None:
            return np.full(widths(layer)[1] if mixes(layer) else 0, np.nan)
        found = spelled(self.channels.streams[source], given, len(ids))
        assert found is not None
        return found

    def _after(self, node: fx.Node) -> Values:
        layer, stream = self.draft.layer(node), self.channels.streams[node.name]
        given = [self.values[source.name] for source in sources(node)]
        if node.op == "placeholder" or (any(values is None for values in given) and not mixes(layer)):
            return np.full(len(stream.ids), np.nan)
        if layer is not None:
            return self._after_layer(node, layer)
        return self._met(node) if node.op == "call_function" else np.asarray(given[0])

    def _after_layer(self, node: fx.Node, layer: nn.Module) -> Values:
        if mixes(layer) and node.name in self.channels.writes:
            return self._mixed(node, layer)
        if is_depthwise(layer):
            return self._depthwise(node, layer)
        source = sources(node)[0].name
        given = self.read(node) if node.name in self.channels.reads else self.values[source]
        assert given is not None
        if type(layer) in _SILENT:
            self._silence(node, layer, np.asarray(given == 0))
        made = constants.after(layer, given, self.channels.axes.get(node.name))
        return self._moved(node, layer, made)

    def _moved(self, node: fx.Node, layer: nn.Module, made: Values) -> Values:
        """The values where the node puts its channels; a channel made of several has one where they have the same."""
        places, stream = self.channels.moves.get(node.name), self.channels.streams[node.name]
        if isinstance(layer, layers.Pad) and node.name in self.channels.writes:
            before, after = layer.before[stream.axis], layer.after[stream.axis]
            if not any(sum(pair) for axis, pair in enumerate(zip(layer.before, layer.after, strict=True)) if axis != stream.axis):
                made = np.asarray(self.values[sources(node)[0].name])
            return np.pad(made, (before, after), constant_values=layer.value)
        if isinstance(layer, _REARRANGING):
            made = np.asarray(self.values[sources(node)[0].name])
        if places is None:
            return made if len(made) == len(stream.ids) else np.full(len(stream.ids), np.nan)
        if places.ndim == 1:
            return made[places]
        return np.where((made[places] == made[places[:, :1]]).all(1), made[places[:, 0]], np.nan)

    def _mixed(self, node: fx.Node, layer: Mixing) -> Values:
        """A row is constant when it has no weight on an input that varies."""
        if node.name not in self.draft.used:
            self.draft.used[node.name] = connections(layer)
        given, used = self.read(node), self.draft.used[node.name]
        counts = np.isnan(given) if self.policy == "drop" or foldable(layer) else np.isnan(given) | (given != 0)
        dead = ~used[:, counts].any(axis=1)
        silent: Flags = np.logical_not(used[:, np.isnan(given) | (given != 0)].any(axis=1))
        self._silence(node, layer, silent, "bias")
        values = numbers(layer.bias, used.shape[0], 0.0)
        if self.policy != "drop" and foldable(layer):
            values = values + folded(layer, given)
        return np.where(dead, values, np.nan)

    def _depthwise(self, node: fx.Node, layer: Convolution) -> Values:
        given = self.read(node)
        sums, used = _kernels(layer), _kernels(layer, absolute=True) != 0
        given = np.repeat(given, len(sums) // len(given))
        self._silence(node, layer, ~(used & (given != 0)), "bias")
        bias = numbers(layer.bias, layer.out_channels, 0.0)
        seen = bias + sums * given if foldable(layer) else np.full(len(sums), np.nan)
        return np.where(~used | (given == 0), bias, seen)

    def _met(self, node: fx.Node) -> Values:
        stream, name = self.channels.streams[node.name], function_name(node)
        given = [np.asarray(self.values[source.name]) for source in sources(node)]
        if name == "cat" and sum(map(len, given)) == len(stream.ids):
            return np.concatenate(given)
        streams = [self.channels.streams[source.name] for source in sources(node)]
        alike: list[Any] = [np.repeat(values, len(stream.ids)) if len(values) == 1 else spelled(one, values, len(stream.ids))
                            for one, values in zip(streams, given, strict=True)]
        if name == "cat":
            return np.where(np.all([values == alike[0] for values in alike], axis=0), alike[0], np.nan)
        return constants.combined(name, *alike)

    def _silence(self, node: fx.Node, layer: nn.Module, dead: Flags, *names: str) -> None:
        """Mask the affine parameters of dead channels, those that could be removed, with fresh tensors."""
        if self.policy != "mask_affine" or node.name not in self.channels.writes:
            return
        dead = dead & ~self.channels.pinned[self.channels.writes[node.name]]
        for name in names or _SILENT[type(layer)] if dead.any() else ():
            tensor = layer._parameters[name]
            if tensor is not None:
                living = torch.from_numpy(~dead).to(tensor.device)
                axis = self.channels.axes.get(node.name, 0)
                living = living.view(-1, *[1] * (tensor.ndim - 1 - axis))
                layer._parameters[name] = nn.Parameter(tensor.detach() * living, requires_grad=tensor.requires_grad)


_REARRANGING = (nn.ChannelShuffle, nn.PixelShuffle, nn.PixelUnshuffle, nn.Flatten, layers.Reshape)


def _kernels(layer: Convolution, *, absolute: bool = False) -> Values:
    """The sum of each output's kernel, for layers with one input a group."""
    weight = layer.weight.detach().double()
    sums = (weight.abs() if absolute else weight).flatten(2).sum(2).flatten()
    return sums.cpu().numpy()
