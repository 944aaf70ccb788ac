"""Layers whose gradient can be gone back through, for GraSP: hard sigmoids, of which torch knows no second derivative, and
batch-norm and convolution, which torch's own walks back through in many small steps, or in convolutions of odd shapes.

A convolution is linear in its images x and in its weights w, so all that its second derivative needs are the three that
training has: forwards, by the images, by the weights. Its gradient along g is (by x: g turned back through w; by w: g against
x); along v for the one and u for the other that has the gradients (by g: v and x forwards through w and u, added; by x: g
turned back through u; by w: g against v).

For one channel of m numbers x, with xh = (x - mean) / sd, the gradient of batch-norm along g is weight / sd * P(g), where
P(g) = g - mean(g) - xh * mean(g * xh). Along v that has the gradients weight / sd * P(v) by g, and by x

    weight / sd**2 * (-b * v - a * g + (2ab - s) * xh + b * mean(v) + a * mean(g)),

a = mean(v * xh), b = mean(g * xh), s = mean(v * g) - mean(v) * mean(g) - ab.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.autograd import Function
from torch.nn.functional import conv2d, relu6

from worker.dnn.spec import layer_of


class Geometry(NamedTuple):
    """How a convolution goes over its images."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


class Folding(nn.Module):
    """A convolution, zeros around the images."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        assert not isinstance(conv.padding, str)
        self.conv, self.how = conv, Geometry(conv.stride, conv.padding, conv.dilation, conv.groups)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = _Conv.apply(x, self.conv.weight, self.conv.bias, self.how)  # type: ignore[no-untyped-call]
        return found


class Bending(nn.Module):
    """Batch-norm by the batch's own statistics; running ones are neither read nor kept."""

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.norm.weight, self.norm.bias
        if weight is None:
            weight, bias = x.new_ones(x.shape[1]), x.new_zeros(x.shape[1])
        found: Tensor = _Forwards.apply(x, weight, bias, self.norm.eps)  # type: ignore[no-untyped-call]
        return found


class Gate(nn.Module):
    """The hard sigmoid in steps that torch can go back through twice."""

    def forward(self, x: Tensor) -> Tensor:
        return relu6(x + 3) / 6


def bending(network: fx.GraphModule) -> fx.GraphModule:
    """The same layers with the same weights; convolutions, batch-norms and hard sigmoids answer as before and bend."""
    twin = fx.GraphModule(network, copy.deepcopy(network.graph))
    for node in twin.graph.nodes:
        layer = layer_of(twin, node)
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            twin.set_submodule(str(node.target), Bending(layer))
        elif isinstance(layer, nn.Hardsigmoid):
            twin.set_submodule(str(node.target), Gate())
        elif isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
            twin.set_submodule(str(node.target), Folding(layer))
    return twin


class _Conv(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, how: Geometry) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.how, ctx.has_bias = how, bias is not None
        return conv2d(x, weight, bias, *how)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        by_x, by_weight = _ConvBack.apply(g, x, weight, ctx.how, ctx.needs_input_grad[0])  # type: ignore[no-untyped-call]
        return by_x, by_weight, g.sum((0, 2, 3)) if ctx.has_bias and ctx.needs_input_grad[2] else None, None


class _ConvBack(Function):
    @staticmethod
    def forward(ctx: Any, g: Tensor, x: Tensor, weight: Tensor, how: Geometry, inner: bool) -> Any:
        ctx.save_for_backward(g, x, weight)
        ctx.how = how
        ctx.set_materialize_grads(False)
        return _turned(g, x, weight, how, by_x=inner)

    @staticmethod
    def backward(ctx: Any, v: Tensor | None, u: Tensor | None) -> Any:
        g, x, weight = ctx.saved_tensors
        through = [conv2d(some, by, None, *ctx.how) for some, by in ((v, weight), (x, u)) if some is not None and by is not None]
        by_g = sum(through[1:], through[0]) if through else None
        by_x, by_weight = _turned(g, x if v is None else v, weight if u is None else u, ctx.how,
                                  by_x=u is not None and ctx.needs_input_grad[1], by_weight=v is not None)
        return by_g, by_x, by_weight, None, None


def _turned(
    g: Tensor, x: Tensor, weight: Tensor, how: Geometry, *, by_x: bool = True, by_weight: bool = True,
) -> tuple[Tensor | None, Tensor | None]:
    """By x and by weight."""
    stride, padding, dilation, groups = how
    found: tuple[Tensor | None, Tensor | None, None] = torch.ops.aten.convolution_backward(
        g, x, weight, None, stride, padding, dilation, False, [0, 0], groups, [by_x, by_weight, False])
    return found[:2]


class _Forwards(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        found, mean, inverse = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
        ctx.save_for_backward(x, weight, mean, inverse)
        ctx.eps = eps
        return found

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return *_Backwards.apply(g, *ctx.saved_tensors, ctx.eps), None  # type: ignore[no-untyped-call]


class _Backwards(Function):
    @staticmethod
    def forward(ctx: Any, g: Tensor, x: Tensor, weight: Tensor, mean: Tensor, inverse: Tensor, eps: float) -> Any:
        by_x, by_weight, by_bias = _back(g, x, weight, mean, inverse, eps)
        ctx.save_for_backward(g, x, weight, mean, inverse, by_weight, by_bias)
        ctx.eps = eps
        ctx.mark_non_differentiable(by_weight, by_bias)
        return by_x, by_weight, by_bias

    @staticmethod
    def backward(ctx: Any, v: Tensor, *_: Tensor) -> Any:
        g, x, weight, mean, inverse, gh, g_sum = ctx.saved_tensors
        by_g, vh, v_sum = _back(v, x, weight, mean, inverse, ctx.eps)
        count = x.numel() / x.shape[1]
        a, b, v_mean, g_mean = vh / count, gh / count, v_sum / count, g_sum / count
        s = (v * g).sum([axis for axis in range(x.ndim) if axis != 1]) / count - v_mean * g_mean - a * b
        scale, c = weight * inverse**2, (2 * a * b - s) * inverse
        parts = -scale * b, -scale * a, scale * c, scale * (b * v_mean + a * g_mean - c * mean)
        of_v, of_g, of_x, rest = (part.view(-1, *[1] * (x.ndim - 2)) for part in parts)
        return by_g, torch.addcmul(rest, v, of_v).addcmul_(g, of_g).addcmul_(x, of_x), None, None, None, None


def _back(g: Tensor, x: Tensor, weight: Tensor, mean: Tensor, inverse: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """By x, by weight and by bias; the last two are the sums of g * xh and of g."""
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.native_batch_norm_backward(
        g, x, weight, None, None, mean, inverse, True, eps, [True, True, True])
    return found
