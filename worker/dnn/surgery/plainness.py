"""Which channels compute a constant, and which one: the value of a channel that no input can change, else NaN.

A dead filter's channel is seldom zero: after bias, batch-norm and activation f it is f(beta + gamma (b - mean) / std).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx, nn

from worker.dnn.surgery.channels import CHANNELWISE, Channels, Flags, is_depthwise
from worker.dnn.surgery.draft import Draft

Values = npt.NDArray[np.float64]
Policy = Literal["mask_affine", "exact", "drop"]
POLICIES: tuple[Policy, ...] = ("mask_affine", "exact", "drop")

_SAME = (nn.Dropout, nn.Identity, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.Flatten)


class Plainness:
    """One walk through a draft. With `mask_affine` it also silences dead filters' affine parameters as it goes."""

    def __init__(self, draft: Draft, channels: Channels, policy: Policy) -> None:
        self.draft, self.channels, self.policy = draft, channels, policy
        self.values: dict[str, Values | None] = {}
        for node in draft.graph.nodes:
            self.values[node.name] = self._after(node)

    def read(self, node: fx.Node) -> Values:
        """The values a layer reads, one for each place on its input axis; NaN where they vary or are not known."""
        layer = self.draft.layer(node)
        places = layer.in_features if isinstance(layer, nn.Linear) else _places(layer)
        given = self.values[node.all_input_nodes[0].name]
        if given is None or node.name not in self.channels.reads:
            return np.full(places, np.nan)
        return np.repeat(given, places // len(given))

    def _after(self, node: fx.Node) -> Values | None:
        if self.channels.streams[node.name] is None:
            return None
        layer = self.draft.layer(node)
        if layer is not None:
            return self._after_layer(node, layer)
        given = [self.values[source.name] for source in node.all_input_nodes]
        if node.op == "output" or any(values is None for values in given):
            return given[0]
        return _combined(node, self.values)

    def _after_layer(self, node: fx.Node, layer: nn.Module) -> Values | None:
        if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1):
            return self._mixed(node, layer)
        if isinstance(layer, nn.Conv2d):
            return self._depthwise(node, layer) if is_depthwise(layer) else np.full(layer.out_channels, np.nan)
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            return self._normed(node, layer)
        given = self.values[node.all_input_nodes[0].name]
        return None if given is None else _channelwise(layer, given)

    def _mixed(self, node: fx.Node, layer: nn.Conv2d | nn.Linear) -> Values:
        """A row is constant when it has no weight on an input that varies."""
        if node.name not in self.draft.used:
            self.draft.used[node.name] = connections(layer.weight)
        given, used = self.read(node), self.draft.used[node.name]
        counts = np.isnan(given) if self.policy == "drop" or foldable(layer) else np.isnan(given) | (given != 0)
        dead = ~used[:, counts].any(axis=1)
        silent: Flags = np.logical_not(used[:, np.isnan(given) | (given != 0)].any(axis=1))
        self._silence(node, layer, silent)
        values = _numbers(layer.bias, layer.weight.shape[0], 0.0)
        if self.policy != "drop" and foldable(layer):
            values = values + folded(layer, given)
        return np.where(dead, values, np.nan)

    def _depthwise(self, node: fx.Node, layer: nn.Conv2d) -> Values:
        given, used = self.read(node), connections(layer.weight).any(axis=1)
        self._silence(node, layer, ~(used & (given != 0)))
        bias = _numbers(layer.bias, layer.out_channels, 0.0)
        weight = layer.weight.detach().double().sum((1, 2, 3)).cpu().numpy()
        seen = bias + weight * given if foldable(layer) else np.full(layer.out_channels, np.nan)
        return np.where(~used | (given == 0), bias, seen)

    def _normed(self, node: fx.Node, layer: nn.BatchNorm2d | nn.BatchNorm1d) -> Values:
        given = self.read(node)
        self._silence(node, layer, np.asarray(given == 0))
        if layer.running_mean is None or layer.running_var is None:
            return np.full(layer.num_features, np.nan)
        mean, variance = (_numbers(each, layer.num_features, 0.0) for each in (layer.running_mean, layer.running_var))
        gamma, beta = _numbers(layer.weight, layer.num_features, 1.0), _numbers(layer.bias, layer.num_features, 0.0)
        return np.where(gamma == 0, beta, beta + gamma * (given - mean) / np.sqrt(variance + layer.eps))

    def _silence(self, node: fx.Node, layer: nn.Module, dead: Flags) -> None:
        """Mask the affine parameters of dead channels, those that could be removed, with fresh tensors."""
        if self.policy != "mask_affine" or node.name not in self.channels.writes:
            return
        dead = dead & ~self.channels.pinned[self.channels.writes[node.name]]
        names = ("weight", "bias") if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d) else ("bias",)
        for name in names if dead.any() else ():
            tensor = layer._parameters[name]
            if tensor is not None:
                living = torch.from_numpy(~dead).to(tensor.device)
                layer._parameters[name] = nn.Parameter(tensor.detach() * living, requires_grad=tensor.requires_grad)


def connections(weight: Tensor) -> Flags:
    """(outputs, inputs): whether any weight of the kernel between the two is not zero."""
    sizes = weight.detach().abs()
    if weight.ndim > 2:
        # A product with ones sums the kernels twice as fast as a sum over an axis of nine.
        kernels = sizes.flatten(2)
        sizes = kernels @ kernels.new_ones(kernels.shape[2])
    return (sizes != 0).cpu().numpy()


def foldable(layer: nn.Conv2d | nn.Linear) -> bool:
    """Whether a constant input adds a constant output: zero padding spoils it at the border."""
    return isinstance(layer, nn.Linear) or not any(layer.padding if isinstance(layer.padding, tuple) else (1,))


def folded(layer: nn.Conv2d | nn.Linear, constants: Values) -> Values:
    """What inputs of constant value add to each output; varying ones (NaN) add nothing."""
    known = np.flatnonzero(np.nan_to_num(constants))
    weight = layer.weight.detach()[:, torch.from_numpy(known).to(layer.weight.device)].double()
    sums = weight.flatten(2).sum(2) if weight.ndim > 2 else weight
    return sums.cpu().numpy() @ constants[known]


def _places(layer: nn.Module | None) -> int:
    assert isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.BatchNorm1d)
    return layer.in_channels if isinstance(layer, nn.Conv2d) else layer.num_features


def _numbers(tensor: Tensor | None, count: int, otherwise: float) -> Values:
    return np.full(count, otherwise) if tensor is None else tensor.detach().double().cpu().numpy()


def _channelwise(layer: nn.Module, given: Values) -> Values:
    if isinstance(layer, nn.AvgPool2d):
        return np.where(given == 0, 0.0, np.nan) if _averages_padding(layer) else given
    if isinstance(layer, _SAME):
        return given
    if isinstance(layer, nn.PReLU):
        return np.where(given < 0, given * _numbers(layer.weight, layer.num_parameters, 0.0), given)
    if isinstance(layer, CHANNELWISE):
        return np.where(np.isnan(given), np.nan, layer(torch.from_numpy(given.copy())).numpy())
    return np.full(len(given), np.nan) if np.isnan(given).any() else given


def _averages_padding(layer: nn.AvgPool2d) -> bool:
    padding = layer.padding if isinstance(layer.padding, tuple) else (layer.padding,)
    return layer.count_include_pad and any(padding)


def _combined(node: fx.Node, values: dict[str, Values | None]) -> Values:
    sources = node.args[0] if node.target is torch.cat else node.args
    assert isinstance(sources, tuple | list)
    given = [found for source in sources if isinstance(source, fx.Node) and (found := values[source.name]) is not None]
    if node.target is torch.cat:
        return np.concatenate(given)
    one, other = given
    if node.target is torch.mul:
        return np.where((one == 0) | (other == 0), 0.0, one * other)
    return one - other if node.target is torch.sub else one + other
