"""A mask is a bool tensor beside a layer's weight: true where the weight lives."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import fx, nn

from worker.dnn.spec import layer_of, name_of

Masks = dict[str, torch.Tensor]


def prunable(network: fx.GraphModule, *, linear: bool = True, classifier: bool = False) -> dict[str, torch.Tensor]:
    """Weights that may be pruned, by layer: convolutions and linear layers, the last one only when asked. No biases."""
    layers = {name_of(node): layer for node in network.graph.nodes
              if isinstance(layer := layer_of(network, node), nn.Conv1d | nn.Conv2d | nn.Linear)}
    last = next(reversed(layers), None)
    return {name: layer.weight for name, layer in layers.items()
            if (classifier or name != last) and (linear or not isinstance(layer, nn.Linear))}


def everything(weights: Mapping[str, torch.Tensor]) -> Masks:
    return {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in weights.items()}


def densities(masks: Masks) -> dict[str, float]:
    """The part of each layer's weights that lives."""
    return {name: int(mask.sum()) / mask.numel() for name, mask in masks.items()}


def density(masks: Masks) -> float:
    """The part of all masked layers' weights that lives."""
    return sum(int(mask.sum()) for mask in masks.values()) / sum(mask.numel() for mask in masks.values())


def by_parameter(masks: Masks) -> Masks:
    """The same masks under the names of the parameters they lie on, as network surgery takes them."""
    return {f"{layer}.weight": mask for layer, mask in masks.items()}


def empty_layers(masks: Masks) -> list[str]:
    """Layers in which no weight is left: what goes in does not come out."""
    return [name for name, mask in masks.items() if not mask.any()]
