"""A network as synaptic flow sees it: nothing negative, nothing that saturates, nothing that looks at a batch.

SynFlow was written for networks of rectifiers and batch-norm. Here every network flows, by these rules:
- weights, biases and affine parameters count by their size; batch-norm is one whose statistics are 0 and 1, as when fresh;
- activations pass everything on. For rectifiers this is exact, for nothing negative comes in; where another activation bends
  or saturates (hard-swish, GELU, sigmoid, ReLU6 above 6) it is a simplification: its slope counts as 1;
- group-, layer-, instance- and local response norms divide by what they see, which would hold the flow constant whatever the
  weights are: only their affine parameters count;
- a product (a gate times what it gates) or quotient passes the geometric mean of its factors on, so each carries half of
  the flow and nothing is squared from block to block; a difference counts as a sum.
So each layer of a chain without biases carries the whole flow, in any network that consists of these.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.functional import batch_norm

from worker.dnn import layers
from worker.dnn.spec import layer_of

PASSING = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Softsign,
    nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.Softmax, nn.LogSoftmax, nn.LocalResponseNorm, nn.Dropout, nn.Identity,
    layers.Power, layers.Clamp, layers.Pointwise,
)
NORMS = (nn.GroupNorm, nn.LayerNorm, nn.InstanceNorm1d, nn.InstanceNorm2d)
EXACT = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.Dropout, nn.Identity)


class Rest(nn.Module):
    """What is left of a norm over channels: its weight and bias, at a mean of 0 and a variance of 1."""

    def __init__(self, channels: int, eps: float, weight: Tensor | None, bias: Tensor | None) -> None:
        super().__init__()
        self.eps = eps
        self.weight = None if weight is None else nn.Parameter(weight.detach().clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return batch_norm(x, self.mean, self.variance, self.weight, self.bias, eps=self.eps)  # type: ignore[arg-type]


class Spread(nn.Module):
    """What is left of a norm over the last axes."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight.detach().clone()), nn.Parameter(bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight + self.bias


def flowing(network: fx.GraphModule) -> fx.GraphModule:
    """A copy of the network that only lets flow through; its layers keep their names, its parameters are their sizes."""
    twin = copy.deepcopy(network).eval()
    for node in list(twin.graph.nodes):
        layer = layer_of(twin, node)
        if isinstance(layer, PASSING) or (isinstance(layer, nn.LayerNorm) and not layer.elementwise_affine):
            node.replace_all_uses_with(node.args[0])
            twin.graph.erase_node(node)
        elif layer is not None:
            twin.set_submodule(str(node.target), _flows(layer))
        elif node.op == "call_function":
            node.target = _FUNCTIONS.get(node.target, node.target)
    twin.recompile()
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.requires_grad_(False).abs_()
    return twin


def bends(network: fx.GraphModule) -> list[str]:
    """Kinds of layers of the network whose own behaviour the flow leaves out, by name, sorted."""
    found = (layer_of(network, node) for node in network.graph.nodes)
    return sorted({type(each).__name__ for each in found if isinstance(each, PASSING + NORMS) and not isinstance(each, EXACT)})


def _flows(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm1d | nn.InstanceNorm2d):
        return Rest(layer.num_features, layer.eps, layer.weight, layer.bias)
    if isinstance(layer, nn.GroupNorm):
        return Rest(layer.num_channels, layer.eps, layer.weight, layer.bias)
    if isinstance(layer, nn.LayerNorm):
        return Spread(layer.weight, layer.bias)
    if isinstance(layer, layers.Affine):
        return layers.Affine(abs(layer.scale), abs(layer.shift))
    if isinstance(layer, layers.Pad):
        return layers.Pad(layer.before, layer.after, layer.mode, abs(layer.value))
    if isinstance(layer, nn.Upsample) and layer.mode == "bicubic":
        return nn.Upsample(layer.size, layer.scale_factor, "bilinear", layer.align_corners)
    return layer


def _root(x: Tensor) -> Tensor:
    """The square root; where nothing flows the slope is nothing, not infinite."""
    flows = x > 0
    return torch.where(flows, x, 1.0).sqrt() * flows


def _mean(a: Tensor, b: Tensor) -> Tensor:
    return _root(a) * _root(b)


def _mixed(a: Tensor, b: Tensor) -> Tensor:
    return torch.matmul(_root(a), _root(b))


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    torch.mul: _mean, torch.div: _mean, torch.sub: torch.add, torch.matmul: _mixed,
}
