"""Layers that mix channels, seen as one: convolutions, transposed ones and linear layers, in groups or not."""

from __future__ import annotations

from typing import TypeGuard, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from worker.dnn.surgery.streams import Flags, Numbers

Values = npt.NDArray[np.float64]
Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d
Convolution = nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d
Mixing = Convolution | nn.Linear

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d)
CONVOLUTIONS = (nn.Conv2d, nn.Conv1d, *TRANSPOSED)
MIXING = (*CONVOLUTIONS, nn.Linear)


def mixes(layer: nn.Module | None) -> TypeGuard[Mixing]:
    """Whether each of the layer's outputs has weights of its own, on several inputs or one."""
    return isinstance(layer, MIXING) and not is_depthwise(layer)


def is_depthwise(layer: nn.Module | None) -> TypeGuard[Convolution]:
    """Whether each group has one input channel; its outputs, one or several, go with it."""
    return isinstance(layer, CONVOLUTIONS) and layer.groups > 1 and layer.groups == layer.in_channels


def widths(layer: Mixing) -> tuple[int, int, int]:
    """Outputs, inputs and groups."""
    if isinstance(layer, nn.Linear):
        return layer.out_features, layer.in_features, 1
    return layer.out_channels, layer.in_channels, layer.groups


def by_output(layer: Mixing, weight: Tensor) -> Tensor:
    """The weight as (outputs, inputs of a group, ...): transposed convolutions keep theirs the other way round."""
    if not isinstance(layer, TRANSPOSED):
        return weight
    per_group = weight.view(layer.groups, -1, *weight.shape[1:])
    return per_group.transpose(1, 2).flatten(0, 1)


def connections(layer: Mixing) -> Flags:
    """(outputs, inputs): whether any weight of the kernel between the two is not zero."""
    sizes = layer.weight.detach().abs()
    if sizes.ndim > 2:
        # A product with ones sums the kernels twice as fast as a sum over an axis of nine.
        kernels = sizes.flatten(2)
        sizes = kernels @ kernels.new_ones(kernels.shape[2])
    return _whole(layer, (by_output(layer, sizes) != 0).cpu().numpy())


def kernel_sums(layer: Mixing) -> Values:
    """(outputs, inputs): the sum of the kernel between the two, in double precision."""
    weight = layer.weight.detach().double()
    sums = weight.flatten(2).sum(2) if weight.ndim > 2 else weight
    return _whole(layer, by_output(layer, sums).cpu().numpy())


def output_sizes(layer: Mixing, scratch: dict[torch.dtype, Tensor]) -> Values:
    """The L1 norm of each output's weights. `scratch` holds memory that is used again."""
    weight = layer.weight.detach()
    room = scratch.get(weight.dtype)
    if room is None or room.numel() < weight.numel() or room.device != weight.device:
        room = scratch[weight.dtype] = torch.empty(weight.numel(), dtype=weight.dtype, device=weight.device)
    sizes = torch.abs(weight, out=room[: weight.numel()].view(weight.shape))
    if isinstance(layer, TRANSPOSED):
        sizes = by_output(layer, sizes.flatten(2).sum(2))
    return sizes.flatten(1).sum(1).double().cpu().numpy()


def foldable(layer: Mixing) -> bool:
    """Whether a constant input adds a constant output: zero padding spoils it at the border, and strides that leave
    places of a transposed convolution to some weights of its kernel spoil it everywhere."""
    if isinstance(layer, nn.Linear):
        return True
    if isinstance(layer, TRANSPOSED):
        return all(size == 1 for size in (*layer.kernel_size, *layer.stride)) and not any((*layer.padding, *layer.output_padding))
    return not any(layer.padding if isinstance(layer.padding, tuple) else (1,))


def folded(layer: Mixing, constants: Values) -> Values:
    """What inputs of constant value add to each output; varying ones (NaN) add nothing."""
    known = np.flatnonzero(np.nan_to_num(constants))
    if not len(known):
        return np.zeros(widths(layer)[0])
    return kernel_sums(layer)[:, known] @ constants[known]


def _whole(layer: Mixing, of_group: Numbers) -> Numbers:
    """(outputs, all inputs) of what is given as (outputs, inputs of a group)."""
    groups = widths(layer)[2]
    if groups == 1:
        return of_group
    outputs, each = of_group.shape
    whole = np.zeros((groups, outputs // groups, groups, each), dtype=of_group.dtype)
    index = np.arange(groups)
    whole[index, :, index] = of_group.reshape(groups, -1, each)
    return cast("Numbers", whole.reshape(outputs, -1))
