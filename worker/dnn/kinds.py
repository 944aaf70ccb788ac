"""The closed white list: which layers and functions a network may be made of, and with which arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import fx, nn

Argument = bool | int | float | str | list[int] | None

LARGEST = 1 << 24

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
    return {name: _plain(name, getattr(layer, name)) for name in MODULES[type(layer)]}


def make(kind: str, given: dict[str, Any], *, name: str) -> nn.Module:
    """A layer of the white list on torch's meta device, so that no argument can ask for memory.

    Raises ValueError when the kind, an argument's name or an argument's value is not on the list.
    """
    cls = CLASSES.get(kind)
    if cls is None:
        raise ValueError(f"The layer {name} is a {kind[:40]}, which is not among the layers this portal knows.")
    if set(given) != set(MODULES[cls]) or not all(_sane(key, value) for key, value in given.items()):
        raise ValueError(f"The layer {name} ({kind}) has arguments this portal does not know.")
    try:
        with torch.device("meta"):
            return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"The layer {name} ({kind}) cannot be built from its arguments.") from error


def check(layer: nn.Module, *, name: str) -> None:
    """ValueError when the layer is not exactly of a class of the white list with plain arguments."""
    kind = type(layer).__name__
    if type(layer) not in MODULES:
        raise ValueError(f"The layer {name} is a {kind}, which is not among the layers this portal knows.")
    if not all(_sane(key, value) for key, value in arguments(layer).items()):
        raise ValueError(f"The layer {name} ({kind}) has arguments this portal does not know.")


def _plain(name: str, value: Any) -> Argument:
    if name == "bias":
        return value is not None
    return list(value) if isinstance(value, tuple) else value


def _whole(value: object, least: int = 1) -> bool:
    return type(value) is int and least <= value <= LARGEST


def _whole_each(value: object, least: int = 1) -> bool:
    """One number for both axes of an image, or one for each."""
    if isinstance(value, list):
        return len(value) == 2 and all(_whole(number, least) for number in value)
    return _whole(value, least)


def _real(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(cast("float", value))


_RULES: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("kernel_size", "stride", "dilation"), _whole_each),
    **dict.fromkeys(("eps", "negative_slope", "alpha", "p"), _real),
    **dict.fromkeys(("bias", "affine", "track_running_stats", "elementwise_affine", "ceil_mode", "count_include_pad"),
                    lambda value: isinstance(value, bool)),
    **dict.fromkeys(("start_dim", "end_dim"), lambda value: type(value) is int and -4 <= value <= 4),
    "dim": lambda value: value is None or (type(value) is int and -4 <= value <= 4),
    "padding": lambda value: _whole_each(value, 0),
    "output_size": _whole_each,
    "momentum": lambda value: value is None or _real(value),
    "padding_mode": lambda value: value == "zeros",
    "approximate": lambda value: value in ("none", "tanh"),
    "normalized_shape": lambda value: isinstance(value, list) and 0 < len(value) <= 4 and all(map(_whole, value)),
}


def _sane(name: str, value: object) -> bool:
    """Whether an argument may have this value; what has no rule of its own is a count."""
    return _RULES.get(name, _whole)(value)
