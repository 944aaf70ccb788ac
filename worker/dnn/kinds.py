"""The closed white list: which layers and functions a network may be made of, and with which arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import fx, nn

from worker.dnn import layers

Argument = bool | int | float | str | list[int] | list[float] | None

LARGEST = 1 << 24
MOST_AXES = 6

_POOL = ("kernel_size", "stride", "padding")
_CONV = ("in_channels", "out_channels", *_POOL, "dilation", "groups", "bias", "padding_mode")
_TRANSPOSED = ("in_channels", "out_channels", *_POOL, "output_padding", "groups", "bias", "dilation", "padding_mode")
_NORM = ("num_features", "eps", "momentum", "affine", "track_running_stats")
_MAX = (*_POOL, "dilation", "ceil_mode")
_AVG = (*_POOL, "ceil_mode", "count_include_pad")

MODULES: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Conv1d: _CONV,
    nn.Conv2d: _CONV,
    nn.ConvTranspose1d: _TRANSPOSED,
    nn.ConvTranspose2d: _TRANSPOSED,
    nn.Linear: ("in_features", "out_features", "bias"),
    nn.BatchNorm2d: _NORM,
    nn.BatchNorm1d: _NORM,
    nn.InstanceNorm1d: _NORM,
    nn.InstanceNorm2d: _NORM,
    nn.GroupNorm: ("num_groups", "num_channels", "eps", "affine"),
    nn.LayerNorm: ("normalized_shape", "eps", "elementwise_affine"),
    nn.LocalResponseNorm: ("size", "alpha", "beta", "k"),
    nn.ReLU: (),
    nn.ReLU6: (),
    nn.LeakyReLU: ("negative_slope",),
    nn.PReLU: ("num_parameters",),
    nn.ELU: ("alpha",),
    nn.CELU: ("alpha",),
    nn.SELU: (),
    nn.GELU: ("approximate",),
    nn.SiLU: (),
    nn.Mish: (),
    nn.Softplus: (),
    nn.Softsign: (),
    nn.Hardswish: (),
    nn.Hardsigmoid: (),
    nn.Sigmoid: (),
    nn.Tanh: (),
    nn.Softmax: ("dim",),
    nn.LogSoftmax: ("dim",),
    nn.MaxPool1d: _MAX,
    nn.MaxPool2d: _MAX,
    nn.AvgPool1d: _AVG,
    nn.AvgPool2d: _AVG,
    nn.LPPool2d: ("norm_type", "kernel_size", "stride", "ceil_mode"),
    nn.AdaptiveAvgPool1d: ("output_size",),
    nn.AdaptiveAvgPool2d: ("output_size",),
    nn.AdaptiveMaxPool1d: ("output_size",),
    nn.AdaptiveMaxPool2d: ("output_size",),
    nn.Upsample: ("size", "scale_factor", "mode", "align_corners"),
    nn.PixelShuffle: ("upscale_factor",),
    nn.PixelUnshuffle: ("downscale_factor",),
    nn.ChannelShuffle: ("groups",),
    nn.Flatten: ("start_dim", "end_dim"),
    nn.Dropout: ("p",),
    nn.Identity: (),
    layers.Scale: ("shape",),
    layers.Shift: ("shape",),
    layers.Affine: ("scale", "shift"),
    layers.Power: ("exponent",),
    layers.Clamp: ("least", "most"),
    layers.Pointwise: ("function",),
    layers.Reshape: ("shape",),
    layers.Permute: ("dims",),
    layers.Slice: ("dim", "start", "stop", "step"),
    layers.Pad: ("before", "after", "mode", "value"),
    layers.Mean: ("dims", "keepdim"),
    layers.Max: ("dims", "keepdim"),
    layers.Sum: ("dims", "keepdim"),
}
CLASSES = {cls.__name__: cls for cls in MODULES}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum, "minimum": torch.minimum,
    "matmul": torch.matmul, "cat": torch.cat,
}
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


def check(layer: nn.Module, *, name: str) -> dict[str, Argument]:
    """The layer's arguments; ValueError when it is not exactly of a class of the white list with plain ones."""
    kind = type(layer).__name__
    if type(layer) not in MODULES:
        raise ValueError(f"The layer {name} is a {kind}, which is not among the layers this portal knows.")
    given = arguments(layer)
    if not all(_sane(key, value) for key, value in given.items()) or _says_more(layer):
        raise ValueError(f"The layer {name} ({kind}) has arguments this portal does not know.")
    return given


def _says_more(layer: nn.Module) -> bool:
    """Whether it has an argument off the list that is not as usual: written as data it would be lost."""
    told, known = layer.__dict__, MODULES[type(layer)]  # its table: to ask a layer for what it lacks is slow
    odd = any(told[key] not in usual for key, usual in _UNTOLD.items() if key in told and key not in known)
    affine = told.get("affine", told.get("elementwise_affine", False))
    return odd or (affine and layer.bias is None)


def _plain(name: str, value: Any) -> Argument:
    if name == "bias":
        return value is not None
    return list(value) if isinstance(value, tuple) else value


def _whole(value: object, least: int = 1) -> bool:
    return type(value) is int and least <= value <= LARGEST


def _whole_each(value: object, least: int = 1) -> bool:
    """One number for all axes of a signal or an image, or one for each."""
    if isinstance(value, list):
        return 1 <= len(value) <= 2 and all(_whole(number, least) for number in value)
    return _whole(value, least)


def _real(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(cast("float", value))


def _list(value: object, each: Callable[[object], bool], least: int = 0) -> bool:
    return isinstance(value, list) and least <= len(value) <= MOST_AXES and all(map(each, value))


def _axis(value: object) -> bool:
    return type(value) is int and -MOST_AXES <= value <= MOST_AXES


def _factor(value: object) -> bool:
    """How many times larger an image becomes."""
    if isinstance(value, list):
        return 1 <= len(value) <= 2 and all(map(_factor, value))
    return _real(value) and 0 < cast("float", value) <= 64


def _or_none(rule: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or rule(value)


_UNTOLD: dict[str, tuple[Any, ...]] = {
    "divisor_override": (None,), "return_indices": (False,), "recompute_scale_factor": (None, False), "beta": (1,),
    "threshold": (20,),
}

_RULES: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("kernel_size", "stride", "dilation"), _whole_each),
    **dict.fromkeys(("padding", "output_padding"), lambda value: _whole_each(value, 0)),
    **dict.fromkeys(("eps", "negative_slope", "alpha", "beta", "k", "p", "exponent", "norm_type", "scale", "shift",
                     "value"), _real),
    **dict.fromkeys(("bias", "affine", "track_running_stats", "elementwise_affine", "ceil_mode", "count_include_pad", "keepdim"),
                    lambda value: isinstance(value, bool)),
    **dict.fromkeys(("start_dim", "end_dim"), _axis),
    **dict.fromkeys(("momentum", "least", "most"), _or_none(_real)),
    "dim": _or_none(_axis),
    "dims": lambda value: _list(value, _axis, 1),
    "start": lambda value: _whole(value, 0),
    "stop": _or_none(lambda value: _whole(value, 0)),
    "shape": lambda value: _list(value, lambda side: side == -1 or _whole(side)) and cast("list[int]", value).count(-1) <= 1,
    "before": lambda value: _list(value, lambda places: _whole(places, 0), 1),
    "after": lambda value: _list(value, lambda places: _whole(places, 0), 1),
    "output_size": _whole_each,
    "size": _or_none(_whole_each),  # LocalResponseNorm's is never None: its constructor says so
    "scale_factor": _or_none(_factor),
    "align_corners": _or_none(lambda value: isinstance(value, bool)),
    "padding_mode": lambda value: value == "zeros",
    "mode": lambda value: value in ("nearest", "linear", "bilinear", "bicubic", "constant", "reflect", "replicate"),
    "function": lambda value: value in layers.POINTWISE,
    "approximate": lambda value: value in ("none", "tanh"),
    "normalized_shape": lambda value: _list(value, _whole, 1),
}


def _sane(name: str, value: object) -> bool:
    """Whether an argument may have this value; what has no rule of its own is a count."""
    return _RULES.get(name, _whole)(value)
