"""A pruned network at the size of the one it was made of: its weights in the first places, zeros in all others; same answers.

So it would lie on a device that stores sparse networks densely, which is what holding a whole set of them is compared with.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, fx

from worker.dnn.shapes import Shape

ALIKE = 1e-4
ONES = "running_var"


def at_dense_size(network: fx.GraphModule, dense: fx.GraphModule, in_shape: Shape) -> fx.GraphModule | None:
    """None where the two are not the same layers, or channels cannot keep their order, as with concatenations."""
    small, large = network.state_dict(), dense.state_dict()
    if small.keys() != large.keys() or not all(_holds(large[name], small[name]) for name in small):
        return None
    found = copy.deepcopy(dense).eval()
    found.load_state_dict({name: _placed(name, small[name], large[name]) for name in small})
    return found if _alike(network, found, in_shape) else None


def _holds(large: Tensor, small: Tensor) -> bool:
    return large.dim() == small.dim() and all(most >= size for most, size in zip(large.shape, small.shape, strict=True))


def _placed(name: str, small: Tensor, large: Tensor) -> Tensor:
    whole = torch.ones_like(large) if name.endswith(ONES) else torch.zeros_like(large)
    whole[tuple(slice(0, size) for size in small.shape)] = small
    return whole


def _alike(network: fx.GraphModule, found: fx.GraphModule, in_shape: Shape) -> bool:
    images = torch.randn(4, *in_shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        one, other = network.eval()(images), found(images)
    return bool((one - other).abs().max() <= ALIKE * one.abs().max().clamp(min=1e-6))
