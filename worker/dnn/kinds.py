"""The closed white list: which layers and functions a network may be made of, and with which arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import fx, nn

Argument = bool | int | float | str | list[int] | None

LARGEST = 1 << 24
WORDS = frozenset({"zeros", "none", "tanh"})

_POOL = ("kernel_size", "stride", "padding")
_CONV = ("in_channels", "out_channels", *_POOL, "dilation", "groups", "bias", "padding_mode")
_NORM = ("num_features", "eps", "momentum", "affine", "track_running_stats")

MODULES: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Conv2d: _CONV,
    nn.Linear: ("in_features", "out_features", "bias"),
    nn.BatchNorm2d: _NORM,
    nn.BatchNorm1d: _NORM,
    nn.GroupNorm: ("num_groups", "num_channels", "eps", "affine"),
    nn.LayerNorm: ("normalized_shape", "eps", "elementwise_affine"),
    nn.ReLU: (),
    nn.ReLU6: (),
    nn.LeakyReLU: ("negative_slope",),
    nn.PReLU: ("num_parameters",),
    nn.ELU: ("alpha",),
    nn.GELU: ("approximate",),
    nn.SiLU: (),
    nn.Hardswish: (),
    nn.Hardsigmoid: (),
    nn.Sigmoid: (),
    nn.Tanh: (),
    nn.Softmax: ("dim",),
    nn.MaxPool2d: (*_POOL, "dilation", "ceil_mode"),
    nn.AvgPool2d: (*_POOL, "ceil_mode", "count_include_pad"),
    nn.AdaptiveAvgPool2d: ("output_size",),
    nn.Flatten: ("start_dim", "end_dim"),
    nn.Dropout: ("p",),
    nn.Identity: (),
}
CLASSES = {cls.__name__: cls for cls in MODULES}

FUNCTIONS: dict[str, Callable[..., Any]] = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "cat": torch.cat}
FUNCTION_NAMES = {function: name for name, function in FUNCTIONS.items()}


def function_name(node: fx.Node) -> str:
    """What the white list calls the function of a node."""
    return FUNCTION_NAMES[cast("Callable[..., Any]", node.target)]


def arguments(layer: nn.Module) -> dict[str, Argument]:
    """The constructor arguments of a layer as JSON values."""
    return {name: _plain(getattr(layer, name)) for name in MODULES[type(layer)]}


def make(kind: str, given: dict[str, Any], *, name: str) -> nn.Module:
    """A layer of the white list on torch's meta device, so that no argument can ask for memory.

    Raises ValueError when the kind, an argument's name or an argument's value is not on the list.
    """
    cls = CLASSES.get(kind)
    if cls is None:
        raise ValueError(f"The layer {name} is a {kind}, which is not among the layers this portal knows.")
    if set(given) != set(MODULES[cls]) or not all(_sane(value) for value in given.values()):
        raise ValueError(f"The layer {name} ({kind}) has arguments this portal does not know.")
    try:
        with torch.device("meta"):
            return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"The layer {name} ({kind}) cannot be built from its arguments.") from error


def check(layer: nn.Module, *, name: str) -> None:
    """ValueError when the layer is not exactly of a class of the white list with plain arguments."""
    kind = type(layer).__name__
    if type(layer) not in MODULES:
        raise ValueError(f"The layer {name} is a {kind}, which is not among the layers this portal knows.")
    if not all(_sane(value) for value in arguments(layer).values()):
        raise ValueError(f"The layer {name} ({kind}) has arguments this portal does not know.")


def _plain(value: Any) -> Argument:
    if isinstance(value, torch.Tensor):
        return True
    return list(value) if isinstance(value, tuple) else value


def _sane(value: object) -> bool:
    if isinstance(value, list):
        return 0 < len(value) <= 4 and all(type(item) is int and 0 <= item <= LARGEST for item in value)
    if isinstance(value, str):
        return value in WORDS
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool) or (isinstance(value, int) and -4 <= value <= LARGEST)
