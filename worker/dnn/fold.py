"""Batch-norm folded into the convolution or linear layer before it: fewer nodes, the same answers."""

from __future__ import annotations

import torch
from torch import fx, nn

from worker.dnn.surgery.draft import Draft, drafted
from worker.dnn.surgery.slimming import own


def fold_batchnorm(network: fx.GraphModule) -> fx.GraphModule:
    """A copy in which each batch-norm that alone reads a convolution or linear layer is part of it.

    W' = W gamma / std and b' = beta + (b - mean) gamma / std, which holds in evaluation mode.
    """
    draft = drafted(network)
    for node in list(draft.graph.nodes):
        norm, source = draft.layer(node), _foldable_source(draft, node)
        if source is not None and isinstance(norm, nn.BatchNorm2d | nn.BatchNorm1d):
            _fold(draft.layers[source.name], norm)
            node.replace_all_uses_with(source)
            draft.graph.erase_node(node)
            del draft.layers[node.name]
    for layer in draft.layers.values():
        own(layer)
    return draft.finished(training=network.training)


def _foldable_source(draft: Draft, node: fx.Node) -> fx.Node | None:
    norm = draft.layer(node)
    if not isinstance(norm, nn.BatchNorm2d | nn.BatchNorm1d) or norm.running_mean is None:
        return None
    source = node.all_input_nodes[0]
    alone = len(source.users) == 1 and isinstance(draft.layer(source), nn.Conv2d | nn.Linear)
    return source if alone else None


@torch.no_grad()
def _fold(layer: nn.Module, norm: nn.BatchNorm2d | nn.BatchNorm1d) -> None:
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert norm.running_mean is not None and norm.running_var is not None
    scale = torch.rsqrt(norm.running_var + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -norm.running_mean if layer.bias is None else layer.bias - norm.running_mean
    bias = shift * scale if norm.bias is None else shift * scale + norm.bias
    weight = layer.weight * scale.view(-1, *[1] * (layer.weight.ndim - 1))
    trains = layer.weight.requires_grad
    layer.weight = nn.Parameter(weight.detach(), requires_grad=trains)
    layer.bias = nn.Parameter(bias.detach(), requires_grad=trains)
