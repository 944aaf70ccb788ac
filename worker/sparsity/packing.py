"""A masked network as safetensors bytes: of its masked weights only the living, so that many levels take little room."""

from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import load, save

from worker.sparsity.masks import Masks

State = dict[str, torch.Tensor]


def copied(state: State) -> State:
    """A network's state as it is now, on the processor: what trains on does not change it."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}


def pack(state: State, masks: Masks) -> bytes:
    tensors: State = {}
    for name, tensor in copied(state).items():
        mask = masks.get(name.removesuffix(".weight"))
        if mask is None or mask.shape != tensor.shape:
            tensors[f"whole/{name}"] = tensor
        else:
            tensors[f"living/{name}"] = tensor[mask]
            tensors[f"mask/{name}"] = torch.from_numpy(np.packbits(mask.numpy().ravel()))
    body: bytes = save(tensors)
    return body


def unpack(body: bytes, like: State) -> tuple[State, Masks]:
    """State and masks of a network whose state has the shapes of `like`."""
    tensors, state, masks = load(body), State(), Masks()
    for name, shape in ((name, tensor.shape) for name, tensor in like.items()):
        if f"whole/{name}" in tensors:
            state[name] = tensors[f"whole/{name}"]
            continue
        bits = np.unpackbits(tensors[f"mask/{name}"].numpy(), count=shape.numel())
        mask = torch.from_numpy(bits.astype(bool)).view(shape)
        state[name] = torch.zeros(shape, dtype=tensors[f"living/{name}"].dtype).masked_scatter_(mask, tensors[f"living/{name}"])
        masks[name.removesuffix(".weight")] = mask
    return state, masks
