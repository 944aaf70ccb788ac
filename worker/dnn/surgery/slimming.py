"""Cutting one layer down to some of its input and output channels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, fx, nn

from worker.dnn.surgery.channels import Channels, Flags, Ids, is_depthwise
from worker.dnn.surgery.draft import Draft


@torch.no_grad()
def slim(draft: Draft, channels: Channels, alive: Flags) -> None:
    """Cut every layer of the draft down to the channels alive; afterwards no tensor is shared with the original."""
    for node in draft.graph.nodes:
        layer = draft.layer(node)
        if layer is not None:
            tensors = (tensor for tensor in layer._parameters.values() if tensor is not None)
            device = next((tensor.device for tensor in tensors), torch.device("cpu"))
            keep_in, keep_out = (_kept(side, alive, node, device) for side in (channels.reads, channels.writes))
            _slim(layer, keep_in, keep_out)
            own(layer)


def own(layer: nn.Module) -> None:
    """Give the layer copies of the tensors that it still shares."""
    cut: set[str] = layer.__dict__.pop("_cut", set())
    for name, parameter in layer._parameters.items():
        if parameter is not None and name not in cut:
            layer._parameters[name] = nn.Parameter(parameter.detach().clone(), requires_grad=parameter.requires_grad)
    for name, buffer in layer._buffers.items():
        if buffer is not None and name not in cut:
            layer._buffers[name] = buffer.detach().clone()


def kept_outputs(channels: Channels, alive: Flags, name: str) -> Ids:
    """Which of a layer's output channels are alive, in order."""
    return np.flatnonzero(alive[channels.writes[name]])


def _kept(side: dict[str, Ids], alive: Flags, node: fx.Node, device: torch.device) -> Tensor | None:
    """The places that stay, or None for all of them."""
    if node.name not in side:
        return None
    stays = alive[side[node.name]]
    return None if stays.all() else torch.from_numpy(np.flatnonzero(stays)).to(device)


def _slim(layer: nn.Module, keep_in: Tensor | None, keep_out: Tensor | None) -> None:
    if is_depthwise(layer):
        _cut(layer, keep_out, "weight", "bias")
        if keep_out is not None and isinstance(layer, nn.Conv2d):
            layer.groups = layer.in_channels = layer.out_channels = len(keep_out)
    elif isinstance(layer, nn.Conv2d):
        _cut_weight(layer, layer.weight, keep_in, keep_out)
        layer.out_channels, layer.in_channels = layer.weight.shape[0], layer.weight.shape[1] * layer.groups
    elif isinstance(layer, nn.Linear):
        _cut_weight(layer, layer.weight, keep_in, keep_out)
        layer.out_features, layer.in_features = layer.weight.shape
    elif isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
        _cut(layer, keep_out, "weight", "bias", "running_mean", "running_var")
        layer.num_features = layer.num_features if keep_out is None else len(keep_out)
    elif isinstance(layer, nn.PReLU):
        _cut(layer, keep_out, "weight")
        layer.num_parameters = layer.weight.numel()


def _cut_weight(layer: nn.Module, weight: Tensor, keep_in: Tensor | None, keep_out: Tensor | None) -> None:
    if keep_in is not None or keep_out is not None:
        _put(layer, "weight", _gathered(weight.detach(), keep_in, keep_out))
    _cut(layer, keep_out, "bias")


def _gathered(weight: Tensor, keep_in: Tensor | None, keep_out: Tensor | None) -> Tensor:
    """weight[keep_out][:, keep_in]; both at once is one flat gather, which is faster than two."""
    if keep_in is None or keep_out is None or weight.ndim == 2:
        rows = weight if keep_out is None else weight.index_select(0, keep_out)
        return rows if keep_in is None else rows.index_select(1, keep_in)
    outputs, inputs = weight.shape[:2]
    places = (keep_out[:, None] * inputs + keep_in).flatten()
    found = weight.reshape(outputs * inputs, -1).index_select(0, places)
    return found.view(len(keep_out), len(keep_in), *weight.shape[2:])


def _cut(layer: nn.Module, keep: Tensor | None, *names: str) -> None:
    for name in names if keep is not None else ():
        tensor = getattr(layer, name)
        if tensor is not None and keep is not None:
            _put(layer, name, tensor.detach().index_select(0, keep))


def _put(layer: nn.Module, name: str, tensor: Tensor) -> None:
    """Replace a parameter or buffer, and note that it is the layer's own now."""
    layer.__dict__.setdefault("_cut", set()).add(name)
    if name in layer._buffers:
        layer._buffers[name] = tensor
        return
    old = layer._parameters[name]
    layer._parameters[name] = nn.Parameter(tensor, requires_grad=old is None or old.requires_grad)
