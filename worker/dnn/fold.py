"""Batch-norm folded into the convolution or linear layer before it: fewer nodes, the same answers."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from worker.dnn.shapes import Shape, shapes
from worker.dnn.surgery.draft import Draft, drafted
from worker.dnn.surgery.slimming import own

Norm = nn.BatchNorm1d | nn.BatchNorm2d
Weighted = nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.Linear


def fold_batchnorm(network: fx.GraphModule, in_shape: Shape) -> fx.GraphModule:
    """A copy in which each batch-norm that alone reads a convolution or linear layer is part of it.

    W' = W gamma / std and b' = beta + (b - mean) gamma / std, which holds in evaluation mode.
    """
    sizes, draft = shapes(network, in_shape), drafted(network)
    for node in list(draft.graph.nodes):
        norm, source = draft.layer(node), _foldable_source(draft, node, sizes)
        if source is not None and isinstance(norm, Norm):
            _fold(draft.layers[source.name], norm)
            node.replace_all_uses_with(source)
            draft.graph.erase_node(node)
            del draft.layers[node.name]
    for layer in draft.layers.values():
        own(layer)
    return draft.finished(training=network.training)


def _foldable_source(draft: Draft, node: fx.Node, sizes: dict[str, Shape]) -> fx.Node | None:
    norm = draft.layer(node)
    if not isinstance(norm, Norm) or norm.running_mean is None:
        return None
    source = node.all_input_nodes[0]
    layer = draft.layer(source)
    if len(source.users) > 1 or not isinstance(layer, Weighted):
        return None
    # A linear layer's features are the last axis, the norm's channels the first: one and the same only in a row.
    return source if not isinstance(layer, nn.Linear) or len(sizes[source.name]) == 1 else None


@torch.no_grad()
def _fold(layer: nn.Module, norm: Norm) -> None:
    assert isinstance(layer, Weighted)
    assert norm.running_mean is not None and norm.running_var is not None
    scale = torch.rsqrt(norm.running_var + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -norm.running_mean if layer.bias is None else layer.bias - norm.running_mean
    bias = shift * scale if norm.bias is None else shift * scale + norm.bias
    trains = layer.weight.requires_grad
    layer.weight = nn.Parameter(_scaled(layer, scale).detach(), requires_grad=trains)
    layer.bias = nn.Parameter(bias.detach(), requires_grad=trains)


def _scaled(layer: Weighted, scale: Tensor) -> Tensor:
    """The weight with each output channel scaled; a transposed convolution keeps those on its second axis, group by group."""
    if not isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
        return layer.weight * scale.view(-1, *[1] * (layer.weight.ndim - 1))
    grouped = layer.weight.view(layer.groups, -1, *layer.weight.shape[1:])
    return (grouped * scale.view(layer.groups, 1, -1, *[1] * (layer.weight.ndim - 2))).view_as(layer.weight)
