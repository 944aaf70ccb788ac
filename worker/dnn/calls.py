"""Calls of torch's functions and methods that are layers here: which layer, made of which arguments.

Each taker has the signature of what it stands for, its tensor left out, so that arguments mean the same by place and by name.
Other arguments end in a TypeError.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from worker.dnn import layers

Taker = Callable[..., nn.Module]


def _plain(layer: type[nn.Module]) -> Taker:
    return lambda inplace=False: layer()


def _max_pool(layer: type[nn.Module], kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
              ceil_mode: bool = False, return_indices: bool = False) -> nn.Module:
    """The layer's arguments stand in another order than the function's."""
    return layer(kernel_size, stride, padding, dilation, return_indices, ceil_mode)


def _resized(size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
             recompute_scale_factor: bool | None = None, antialias: bool = False) -> nn.Module:
    if antialias:
        raise TypeError("no layer smooths before it takes pixels away")
    size, scale_factor = (tuple(each) if isinstance(each, list) else each for each in (size, scale_factor))
    return nn.Upsample(size, scale_factor, mode, align_corners, recompute_scale_factor)


def _reduced(layer: type[nn.Module], dim: Any = None, keepdim: bool = False) -> nn.Module:
    return layer((dim,) if isinstance(dim, int) else tuple(dim), keepdim)


def _permuted(*dims: Any) -> nn.Module:
    return layers.Permute(dims if isinstance(dims[0], int) else tuple(dims[0]))


def _clamped(min: float | None = None, max: float | None = None) -> nn.Module:
    return layers.Clamp(min, max)


def _lp_pool(norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> nn.Module:
    """torch's layer keeps a stride of None, which no file may have."""
    return nn.LPPool2d(norm_type, kernel_size, kernel_size if stride is None else stride, ceil_mode)


def _dropped(p: float = 0.5, training: bool = True, inplace: bool = False) -> nn.Module:
    return nn.Dropout(p)


LAYERS: dict[Any, Taker] = {
    **dict.fromkeys((F.relu, torch.relu, "relu", "relu_"), _plain(nn.ReLU)),
    F.relu6: _plain(nn.ReLU6), F.silu: _plain(nn.SiLU), F.mish: _plain(nn.Mish), F.selu: _plain(nn.SELU),
    F.hardsigmoid: _plain(nn.Hardsigmoid), F.hardswish: _plain(nn.Hardswish), F.softsign: nn.Softsign,
    F.leaky_relu: lambda negative_slope=0.01, inplace=False: nn.LeakyReLU(negative_slope),
    F.elu: lambda alpha=1.0, inplace=False: nn.ELU(alpha), F.celu: lambda alpha=1.0, inplace=False: nn.CELU(alpha),
    F.gelu: lambda approximate="none": nn.GELU(approximate), F.softplus: nn.Softplus,
    **dict.fromkeys((F.softmax, torch.softmax, "softmax"), lambda dim, dtype=None: nn.Softmax(dim)),
    **dict.fromkeys((F.log_softmax, torch.log_softmax, "log_softmax"), lambda dim, dtype=None: nn.LogSoftmax(dim)),
    **dict.fromkeys((torch.sigmoid, F.sigmoid, "sigmoid", "sigmoid_"), nn.Sigmoid),
    **dict.fromkeys((torch.tanh, F.tanh, "tanh", "tanh_"), nn.Tanh),
    **dict.fromkeys((torch.clamp, torch.clip, "clamp", "clamp_", "clip"), _clamped),
    F.hardtanh: lambda min_val=-1.0, max_val=1.0, inplace=False: layers.Clamp(min_val, max_val),
    **dict.fromkeys((torch.flatten, "flatten"), lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim)),
    **dict.fromkeys((torch.permute, "permute"), lambda *given, dims=None: _permuted(*(given if dims is None else [dims]))),
    **dict.fromkeys((torch.mean, "mean"), partial(_reduced, layers.Mean)),
    **dict.fromkeys((torch.sum, "sum"), partial(_reduced, layers.Sum)),
    **dict.fromkeys((torch.amax, "amax"), partial(_reduced, layers.Max)),
    **dict.fromkeys((torch.square, "square"), lambda: layers.Power(2)),
    **dict.fromkeys((torch.rsqrt, "rsqrt"), lambda: layers.Power(-0.5)),
    F.interpolate: _resized, F.pixel_shuffle: nn.PixelShuffle, F.pixel_unshuffle: nn.PixelUnshuffle,
    **dict.fromkeys((torch.channel_shuffle, F.channel_shuffle), nn.ChannelShuffle),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), partial(_max_pool, nn.MaxPool2d)),
    **dict.fromkeys((F.max_pool1d, torch.max_pool1d), partial(_max_pool, nn.MaxPool1d)),
    F.avg_pool2d: nn.AvgPool2d, F.avg_pool1d: nn.AvgPool1d, F.lp_pool2d: _lp_pool,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d, F.adaptive_avg_pool1d: nn.AdaptiveAvgPool1d,
    F.adaptive_max_pool2d: nn.AdaptiveMaxPool2d, F.adaptive_max_pool1d: nn.AdaptiveMaxPool1d,
    F.local_response_norm: nn.LocalResponseNorm, F.dropout: _dropped,
    operator.neg: partial(layers.Pointwise, "neg"), operator.abs: partial(layers.Pointwise, "abs"),
    abs: partial(layers.Pointwise, "abs"),
    **{way: partial(layers.Pointwise, name) for name, function in layers.POINTWISE.items() for way in (function, name)},
}
# What gives back the tensor that it is given.
NOTHING: frozenset[Any] = frozenset({"contiguous", "clone", "detach", torch.clone, torch.detach})


def _padded(layer: Any) -> nn.Module:
    """torch names the last axis first: left, right, top, bottom. Channels are never padded."""
    pads = tuple(layer.padding)
    mode = {"Constan": "constant", "ZeroPad": "constant", "Reflect": "reflect", "Replica": "replicate"}[type(layer).__name__[:7]]
    return layers.Pad((0, *pads[-2::-2]), (0, *pads[::-2]), mode, float(getattr(layer, "value", 0.0)))


# Layers of torch that another layer says as well.
TWINS: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    **dict.fromkeys((nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d, nn.ReflectionPad1d, nn.ReflectionPad2d,
                     nn.ReplicationPad1d, nn.ReplicationPad2d), _padded),
    nn.Hardtanh: lambda layer: layers.Clamp(layer.min_val, layer.max_val),
    nn.UpsamplingNearest2d: lambda layer: nn.Upsample(layer.size, layer.scale_factor),
    nn.UpsamplingBilinear2d: lambda layer: nn.Upsample(layer.size, layer.scale_factor, "bilinear", True),
    nn.LPPool2d: lambda layer: _lp_pool(layer.norm_type, layer.kernel_size, layer.stride, layer.ceil_mode),
    nn.Softmax2d: lambda layer: nn.Softmax(1),
}
