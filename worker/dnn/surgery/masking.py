"""Masks on parameters: the masked network is what its compact twin is compared with."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from worker.dnn.spec import name_of
from worker.dnn.surgery.channels import channels
from worker.dnn.surgery.draft import Draft, drafted
from worker.dnn.surgery.plainness import POLICIES, Plainness, Policy
from worker.dnn.surgery.slimming import own


def apply_masks(network: fx.GraphModule, masks: dict[str, Tensor], policy: Policy = "mask_affine") -> fx.GraphModule:
    """A copy of the network with its parameters masked; masks are named like parameters ("features.0.weight").

    `mask_affine` masks bias and batch-norm affine of filters that have no weight left on a living input, too.
    Raises ValueError for a mask that fits no parameter.
    """
    draft = masked(network, masks, policy)
    for layer in draft.layers.values():
        own(layer)
    return draft.finished(training=network.training)


def masked(network: fx.GraphModule, masks: dict[str, Tensor], policy: Policy) -> Draft:
    """The same as a draft, whose untouched tensors are still those of the network."""
    if policy not in POLICIES:
        raise ValueError(f"There is no policy {policy!r}; there are {', '.join(POLICIES)}.")
    draft = drafted(network)
    layers = {name_of(node): draft.layers[node.name] for node in draft.graph.nodes if node.name in draft.layers}
    for name, mask in masks.items():
        owner, _, parameter = name.rpartition(".")
        _mask(layers.get(owner), name, parameter, mask)
    if policy == "mask_affine" and masks:
        Plainness(draft, channels(draft), policy)
    return draft


@torch.no_grad()
def _mask(layer: nn.Module | None, name: str, parameter: str, mask: Tensor) -> None:
    tensor = layer._parameters.get(parameter) if layer is not None else None
    if layer is None or tensor is None:
        raise ValueError(f"There is a mask for {name}, but the network has no parameter of that name.")
    if mask.shape != tensor.shape:
        raise ValueError(f"The mask for {name} has shape {list(mask.shape)}, not {list(tensor.shape)}.")
    layer._parameters[parameter] = nn.Parameter(tensor * mask.to(tensor), requires_grad=tensor.requires_grad)
