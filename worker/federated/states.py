"""A network's weights and buffers by name, and what is asked of one that comes from somewhere else."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

State = dict[str, Tensor]


def state_of(network: nn.Module) -> State:
    """A copy, on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}


def faults(state: Mapping[str, Tensor], like: Mapping[str, Tensor], *, is_finite_asked: bool = True) -> str:
    """Why a state cannot be one of this network, in words; empty where it can."""
    if odd := sorted(state.keys() ^ like.keys()):
        missing = odd[0] in like
        return f"the tensor {odd[0]} is missing" if missing else f"the tensor {odd[0][:100]} is none of this network's"
    for name, tensor in state.items():
        if tensor.shape != like[name].shape or tensor.dtype != like[name].dtype:
            return f"the tensor {name} is {_told(tensor)}; {_told(like[name])} is expected"
    if not is_finite_asked:
        return ""
    broken = [name for name, tensor in state.items() if tensor.is_floating_point() and not bool(tensor.isfinite().all())]
    return f"the tensor {broken[0]} has numbers that are not finite" if broken else ""


def _told(tensor: Tensor) -> str:
    return f"{'x'.join(map(str, tensor.shape)) or 'a number'} of {str(tensor.dtype).removeprefix('torch.')}"


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
