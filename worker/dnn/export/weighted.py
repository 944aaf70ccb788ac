"""Layers with parameters: convolutions, matrices, normalisations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from worker.dnn import layers
from worker.dnn.export.operators import GIVEN, IT, Chain, Operator, each, held, number, reshaped
from worker.dnn.shapes import Shape

Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm1d | nn.InstanceNorm2d


def said(layer: nn.Module, before: Shape, after: Shape) -> Chain | None:
    match layer:
        case nn.Conv1d() | nn.Conv2d():
            return [Operator("Conv", _window(layer), held(layer, "weight", "bias"))]
        case nn.ConvTranspose1d() | nn.ConvTranspose2d():
            extra = {"output_padding": each(layer.output_padding, len(layer.kernel_size))}
            return [Operator("ConvTranspose", _window(layer) | extra, held(layer, "weight", "bias"))]
        case nn.Linear():
            return [Operator("Gemm", {"transB": 1}, held(layer, "weight", "bias"))] if len(before) == 1 else _multiplied(layer)
        case nn.PReLU():
            return [Operator("PRelu", {}, {"weight": layer.weight.view(-1, *[1] * (len(before) - 1))})]
        case layers.Scale():
            return [Operator("Mul", {}, {"weight": layer.weight})]
        case layers.Shift():
            return [Operator("Add", {}, {"bias": layer.bias})]
    return _normalised(layer, before)


def _normalised(layer: nn.Module, before: Shape) -> Chain | None:
    match layer:
        case nn.BatchNorm2d() | nn.BatchNorm1d() | nn.InstanceNorm1d() | nn.InstanceNorm2d() if layer.running_mean is not None:
            return [Operator("BatchNormalization", {"epsilon": layer.eps}, _statistics(layer))]
        case nn.InstanceNorm1d() | nn.InstanceNorm2d():
            return [Operator("InstanceNormalization", {"epsilon": layer.eps}, _scaled(layer, layer.num_features))]
        case nn.LayerNorm():
            attributes = {"axis": -len(layer.normalized_shape), "epsilon": layer.eps}
            scale = held(layer, "weight", "bias") or {"weight": torch.ones(layer.normalized_shape)}
            return [Operator("LayerNormalization", attributes, scale)]
        case nn.GroupNorm():
            attributes = {"num_groups": layer.num_groups, "epsilon": layer.eps}
            return [Operator("GroupNormalization", attributes, _scaled(layer, layer.num_channels), since=21)]
        case nn.LocalResponseNorm():
            return _local(layer, before)
    return None  # Batch-norm without statistics of its own answers differently with every batch.


def _window(layer: Any) -> dict[str, Any]:
    axes = len(layer.kernel_size)
    return {"strides": each(layer.stride, axes), "pads": each(layer.padding, axes) * 2, "group": layer.groups,
            "dilations": each(layer.dilation, axes), "kernel_shape": each(layer.kernel_size, axes)}


def _multiplied(layer: nn.Linear) -> Chain:
    """Along the last axis of a larger sample. The weight is kept as torch has it and turned in the file."""
    chain = [Operator("Transpose", {"perm": [1, 0]}, {"weight": layer.weight}, reads=("weight",)),
             Operator("MatMul", reads=(GIVEN, IT))]
    return chain if layer.bias is None else [*chain, Operator("Add", {}, {"bias": layer.bias})]


def _statistics(layer: Norm) -> dict[str, Tensor]:
    assert layer.running_mean is not None and layer.running_var is not None
    return {**_scaled(layer, layer.num_features), "running_mean": layer.running_mean, "running_var": layer.running_var}


def _scaled(layer: nn.Module, channels: int) -> dict[str, Tensor]:
    """Weight and bias; ONNX wants both even where torch has none."""
    return {"weight": torch.ones(channels), "bias": torch.zeros(channels)} | held(layer, "weight", "bias")


def _local(layer: nn.LocalResponseNorm, before: Shape) -> Chain:
    """x / (k + alpha * the mean of x^2 over neighbouring channels)^beta. Runtimes take odd sizes and images only."""
    if layer.size % 2 and len(before) == 3:
        return [Operator("LRN", {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "bias": layer.k})]
    window = {"kernel_shape": [layer.size, 1], "pads": [layer.size // 2, 0, (layer.size - 1) // 2, 0], "count_include_pad": 1}
    return [
        Operator("Mul", reads=(GIVEN, GIVEN)), Operator("Reshape", tensors={"rows": reshaped(1, before[0], -1).tensors["shape"]}),
        Operator("AveragePool", window), reshaped(*before), Operator("Mul", tensors={"alpha": number(layer.alpha)}),
        Operator("Add", tensors={"k": number(layer.k)}), Operator("Pow", tensors={"beta": number(layer.beta)}),
        Operator("Div", reads=(GIVEN, IT)),
    ]
