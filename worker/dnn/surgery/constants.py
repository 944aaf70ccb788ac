"""What each kind of layer makes of a channel that holds one number everywhere, whatever the input: that number, else NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from worker.dnn import layers
from worker.dnn.surgery.mixing import Values
from worker.dnn.surgery.rules import CHANNELWISE

_SAME = (
    nn.Dropout, nn.Identity, nn.MaxPool1d, nn.MaxPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d, nn.Upsample, layers.Permute, layers.Slice, layers.Mean, layers.Max,
)
# Nothing but zero is sure to come out as one number; zero does.
_ZERO_ONLY = (nn.LocalResponseNorm, nn.LPPool2d, layers.Sum)


def after(layer: nn.Module, given: Values, axis: int | None) -> Values:
    """For a layer that leaves channels where they are; `axis`: along which of its own a constant lies with the channels."""
    if isinstance(layer, _SAME):
        return given
    if isinstance(layer, CHANNELWISE):
        return _computed(layer, given)
    rule = _RULES.get(type(layer))
    if rule is not None:
        return rule(layer, given, axis)
    return np.where(given == 0, 0.0, np.nan) if isinstance(layer, _ZERO_ONLY) else np.full(len(given), np.nan)


def numbers(tensor: Tensor | None, count: int, otherwise: float) -> Values:
    return np.full(count, otherwise) if tensor is None else tensor.detach().double().cpu().numpy()


@torch.no_grad()
def _computed(layer: nn.Module, given: Values) -> Values:
    found = layer(torch.from_numpy(given.copy())).numpy()
    return np.where(np.isfinite(given) & np.isfinite(found), found, np.nan)


def _average(layer: Any, given: Values, axis: int | None) -> Values:
    padding = layer.padding if isinstance(layer.padding, tuple) else (layer.padding,)
    return np.where(given == 0, 0.0, np.nan) if layer.count_include_pad and any(padding) else given


def _prelu(layer: Any, given: Values, axis: int | None) -> Values:
    return np.where(given < 0, given * numbers(layer.weight, layer.num_parameters, 0.0), given)


def _normed(layer: Any, given: Values, axis: int | None) -> Values:
    """By its statistics, where it keeps some; else by those of the image, which of a constant one are only safe at zero."""
    count = len(given)
    gamma, beta = numbers(layer.weight, count, 1.0), numbers(layer.bias, count, 0.0)
    if getattr(layer, "running_mean", None) is None:
        alone = isinstance(layer, nn.InstanceNorm1d | nn.InstanceNorm2d | nn.GroupNorm)
        return np.where((given == 0) & alone, beta, np.nan)
    mean, variance = numbers(layer.running_mean, count, 0.0), numbers(layer.running_var, count, 1.0)
    return np.where(gamma == 0, beta, beta + gamma * (given - mean) / np.sqrt(variance + layer.eps))


def _in_groups(layer: Any, given: Values, axis: int | None) -> Values:
    return _normed(layer, given, axis) if layer.num_groups == layer.num_channels else np.full(len(given), np.nan)


def _scaled(layer: Any, given: Values, axis: int | None) -> Values:
    return np.where(given == 0, 0.0, given * _one_each(layer.weight, axis))


def _shifted(layer: Any, given: Values, axis: int | None) -> Values:
    return given + _one_each(layer.bias, axis)


def _one_each(tensor: Tensor, axis: int | None) -> Values:
    """What a spread constant holds at each channel, where that is one number."""
    exact = tensor.detach().double().cpu()
    rows = exact.flatten()[None] if axis is None else exact.movedim(axis, 0).reshape(exact.shape[axis], -1)
    low, high = rows.amin(1).numpy(), rows.amax(1).numpy()
    return np.where(low == high, low, np.nan)


def _padded(layer: Any, given: Values, axis: int | None) -> Values:
    """Padding with something else than itself spoils a constant; channels that are added are dealt with elsewhere."""
    return given if layer.mode != "constant" else np.where(given == layer.value, given, np.nan)


def _through(layer: Any, given: Values, axis: int | None) -> Values:
    """A linear layer along another axis than the channels': zero stays zero where no bias is added."""
    return np.where(given == 0, 0.0, np.nan) if layer.bias is None else np.full(len(given), np.nan)


_RULES: dict[type[nn.Module], Callable[[Any, Values, int | None], Values]] = {
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d), _average),
    nn.PReLU: _prelu,
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm1d, nn.InstanceNorm2d), _normed),
    nn.GroupNorm: _in_groups,
    layers.Scale: _scaled,
    layers.Shift: _shifted,
    layers.Pad: _padded,
    nn.Linear: _through,
}


def combined(name: str, one: Values, other: Values) -> Values:
    """What add, sub, mul, div, maximum and minimum make of two channels."""
    if name == "mul":
        return np.where((one == 0) | (other == 0), 0.0, one * other)
    if name == "div":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(other == 0, np.nan, one / other)
    made: Values = _PAIRS[name](one, other)
    return made


_PAIRS: dict[str, Callable[[Values, Values], Values]] = {
    "add": np.add, "sub": np.subtract, "maximum": np.maximum, "minimum": np.minimum,
}
