"""Which ONNX operator says what a torch layer does, with which attributes and tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from worker.dnn.shapes import Shape


@dataclass(frozen=True)
class Operator:
    """`tensors` become initialisers in this order, behind the layer's input; `since` is the opset that has it."""

    kind: str
    attributes: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    since: int = 17


_PLAIN: dict[type[nn.Module], str] = {
    nn.ReLU: "Relu", nn.Sigmoid: "Sigmoid", nn.Tanh: "Tanh", nn.Hardswish: "HardSwish",
    nn.Identity: "Identity", nn.Dropout: "Identity",
}


def operator_of(layer: nn.Module, name: str, before: Shape, after: Shape) -> Operator:
    """`before` and `after` are the shapes of its input and result; ValueError for a layer ONNX has no word for."""
    if type(layer) in _PLAIN:
        return Operator(_PLAIN[type(layer)])
    for find in (_weighted, _pooled, _activated):
        operator = find(layer, before, after)
        if operator is not None:
            return operator
    raise ValueError(f"The layer {name} ({type(layer).__name__}) cannot be written as ONNX.")


def _weighted(layer: nn.Module, before: Shape, after: Shape) -> Operator | None:
    match layer:
        case nn.Conv2d():
            attributes = {"strides": _pair(layer.stride), "pads": _pair(layer.padding) * 2, "group": layer.groups,
                          "dilations": _pair(layer.dilation), "kernel_shape": _pair(layer.kernel_size)}
            return Operator("Conv", attributes, _tensors(layer, "weight", "bias"))
        case nn.Linear() if len(before) == 1:
            return Operator("Gemm", {"transB": 1}, _tensors(layer, "weight", "bias"))
        case nn.BatchNorm2d() | nn.BatchNorm1d() if layer.running_mean is not None:
            return Operator("BatchNormalization", {"epsilon": layer.eps}, _statistics(layer))
        case nn.LayerNorm():
            attributes = {"axis": -len(layer.normalized_shape), "epsilon": layer.eps}
            return Operator("LayerNormalization", attributes, _scaled(layer, torch.Size(layer.normalized_shape)))
        case nn.GroupNorm():
            attributes = {"num_groups": layer.num_groups, "epsilon": layer.eps}
            scaled = _scaled(layer, torch.Size([layer.num_channels]))
            scaled.setdefault("bias", torch.zeros(layer.num_channels))
            return Operator("GroupNormalization", attributes, scaled, since=21)
        case nn.PReLU():
            slope = layer.weight.detach().view(-1, *[1] * (len(before) - 1))
            return Operator("PRelu", {}, {"weight": slope})
    return None


def _pooled(layer: nn.Module, before: Shape, after: Shape) -> Operator | None:
    match layer:
        case nn.MaxPool2d():
            return Operator("MaxPool", {**_window(layer), "dilations": _pair(layer.dilation)})
        case nn.AvgPool2d():
            return Operator("AveragePool", {**_window(layer), "count_include_pad": int(layer.count_include_pad)})
        case nn.AdaptiveAvgPool2d() if after[1:] == (1, 1):
            return Operator("GlobalAveragePool")
        case nn.AdaptiveAvgPool2d() if before[1] % after[1] == before[2] % after[2] == 0:
            kernel = [before[1] // after[1], before[2] // after[2]]
            return Operator("AveragePool", {"kernel_shape": kernel, "strides": kernel})
        case nn.Flatten():
            return Operator("Flatten", {"axis": 1})
    return None


def _activated(layer: nn.Module, before: Shape, after: Shape) -> Operator | None:
    match layer:
        case nn.ReLU6():
            return Operator("Clip", {}, {"least": torch.tensor(0.0), "most": torch.tensor(6.0)})
        case nn.LeakyReLU():
            return Operator("LeakyRelu", {"alpha": layer.negative_slope})
        case nn.ELU():
            return Operator("Elu", {"alpha": layer.alpha})
        case nn.GELU():
            return Operator("Gelu", {"approximate": layer.approximate}, since=20)
        case nn.Hardsigmoid():
            return Operator("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5})
        case nn.Softmax() if layer.dim is not None:
            return Operator("Softmax", {"axis": layer.dim})
    return None


def _window(layer: nn.MaxPool2d | nn.AvgPool2d) -> dict[str, Any]:
    return {"kernel_shape": _pair(layer.kernel_size), "strides": _pair(layer.stride),
            "pads": _pair(layer.padding) * 2, "ceil_mode": int(layer.ceil_mode)}


def _statistics(layer: nn.BatchNorm2d | nn.BatchNorm1d) -> dict[str, Tensor]:
    assert layer.running_mean is not None and layer.running_var is not None
    scaled = _scaled(layer, layer.running_mean.shape)
    scaled.setdefault("bias", torch.zeros_like(layer.running_mean))
    return {**scaled, "running_mean": layer.running_mean, "running_var": layer.running_var}


def _scaled(layer: nn.Module, shape: torch.Size) -> dict[str, Tensor]:
    return _tensors(layer, "weight", "bias") or {"weight": torch.ones(shape)}


def _tensors(layer: nn.Module, *names: str) -> dict[str, Tensor]:
    return {name: tensor for name in names if (tensor := getattr(layer, name)) is not None}


def _pair(value: Any) -> list[int]:
    return list(value) if isinstance(value, tuple | list) else [value, value]
