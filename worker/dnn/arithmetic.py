"""Arithmetic with a number or with a tensor of the module's own: x * 0.5 is an Affine, x * self.scale a Scale."""

from __future__ import annotations

import math
import operator
from typing import Any

import torch
from torch import Tensor, fx, nn

from worker.dnn import layers

FUNCTIONS: dict[Any, str] = {
    **dict.fromkeys((operator.add, operator.iadd, torch.add, "add", "add_"), "add"),
    **dict.fromkeys((operator.sub, operator.isub, torch.sub, torch.subtract, "sub", "sub_"), "sub"),
    **dict.fromkeys((operator.mul, operator.imul, torch.mul, torch.multiply, "mul", "mul_"), "mul"),
    **dict.fromkeys((operator.truediv, operator.itruediv, torch.div, torch.divide, torch.true_divide, "div", "div_"), "div"),
    **dict.fromkeys((operator.pow, torch.pow, "pow", "pow_"), "pow"),
}


def with_number(name: str, left: Any, right: Any) -> list[nn.Module] | None:
    """The layers, one behind the other, that an operation with a number on one side stands for; None if it has no word."""
    first, number = (left, right) if isinstance(left, fx.Node) else (right, left)
    if not isinstance(first, fx.Node) or not isinstance(number, int | float) or not math.isfinite(number):
        return None
    swapped, number = first is not left, float(number)
    match name:
        case "add":
            return [layers.Affine(1.0, number)]
        case "sub":
            return [layers.Affine(-1.0, number)] if swapped else [layers.Affine(1.0, -number)]
        case "mul":
            return [layers.Affine(number)]
        case "div" if swapped:
            return [layers.Pointwise("reciprocal"), layers.Affine(number)]
        case "div" if number:
            return [layers.Affine(1 / number)]
        case "pow" if not swapped:
            return [layers.Power(number)]
    return None


def with_tensor(name: str, tensor: Tensor, *, swapped: bool) -> list[nn.Module] | None:
    """The same for a tensor of the module's own, `swapped` when it stands on the left; a parameter stays that parameter."""
    if not tensor.is_floating_point():
        return None
    match name:
        case "mul":
            return [_scale(tensor)]
        case "add":
            return [_shift(tensor)]
        case "sub":
            return [layers.Affine(-1.0), _shift(tensor)] if swapped else [_shift(_fixed(-tensor.detach(), tensor))]
        case "div" if not swapped:
            return [_scale(_fixed(1 / tensor.detach(), tensor))]
    return None


def _scale(tensor: Tensor) -> nn.Module:
    layer = layers.Scale(_sides(tensor))
    layer.weight = _parameter(tensor, layer.shape)
    return layer


def _shift(tensor: Tensor) -> nn.Module:
    layer = layers.Shift(_sides(tensor))
    layer.bias = _parameter(tensor, layer.shape)
    return layer


def _sides(tensor: Tensor) -> tuple[int, ...]:
    """The tensor's shape without axes of one place in front: spread from the last axis on, they say nothing."""
    sides = tuple(tensor.shape) or (1,)
    while len(sides) > 1 and sides[0] == 1:
        sides = sides[1:]
    return sides


def _parameter(tensor: Tensor, shape: tuple[int, ...]) -> nn.Parameter:
    if isinstance(tensor, nn.Parameter) and tuple(tensor.shape) == shape:
        return tensor
    return nn.Parameter(tensor.detach().reshape(shape), requires_grad=tensor.requires_grad)


def _fixed(tensor: Tensor, like: Tensor) -> Tensor:
    return tensor.requires_grad_(like.requires_grad)
