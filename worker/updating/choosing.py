"""Which weights an update changes: those that contributed most to what training gained.

Deep Partial Updating (Qu, Liu, Thiele 2022) bounds by how much a partly updated network is worse than the fully updated one, in
two ways. Going back from the fully trained weights costs at most in proportion to the squared way back: the global contribution.
And along the path of training the loss fell by the sum of gradient times step: the local contribution. Both are divided by their
sums, since what stands before the first is not known, and added.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from worker.sparsity.masks import Masks
from worker.sparsity.selection import keep_best

Mode = Literal["dpu", "gcpu", "lcpu"]
Tensors = dict[str, Tensor]


def count_of(ratio: float, weights: Tensors) -> int:
    """floor(ratio * all weights), of the decimal number that was written: 0.29 of 100 are 29."""
    return math.floor(Fraction(repr(float(ratio))) * sum(weight.numel() for weight in weights.values()))


def global_contribution(before: Tensors, after: Tensors) -> Tensors:
    """The squared way of each weight; float64, as all sums here."""
    return {name: (after[name].double() - before[name].double()) ** 2 for name in before}


def combined(global_: Tensors, local: Tensors, *, balance: float = 0.5, mode: Mode = "dpu") -> Tensors:
    """balance * G / sum(G) + (1 - balance) * L / sum(L), the sums over all layers.

    `local` may be negative of single weights. Where its sum is not positive (the loss rose) dividing by it would turn the ranking
    over, so the global contribution decides alone; where no weight moved at all, it is the local one.
    """
    share = {"dpu": balance, "gcpu": 1.0, "lcpu": 0.0}[mode]
    of_local, of_global = _sum(local), _sum(global_)
    if not (math.isfinite(of_local) and of_local > 0):
        share = 1.0
    parts = {name: torch.zeros_like(each, dtype=torch.float64) for name, each in global_.items()}
    for name, part in parts.items():
        if share and of_global > 0:
            part += share * global_[name].double() / of_global
        if share < 1:
            part += (1 - share) * local[name].double() / of_local
    return parts


def best(metric: Tensors, count: int) -> Masks:
    """Exactly the `count` weights with the largest metric of all layers together; equal ones by layer's name and position.

    No layer is capped. Positions are int64 within a mask: none is ever rounded. The order of `metric` does not matter.
    """
    names = sorted(metric)
    flat = np.concatenate([metric[name].detach().double().cpu().contiguous().numpy().ravel() for name in names])
    kept = keep_best(flat, np.ones(flat.shape, dtype=bool), count)
    parts = np.split(kept, np.cumsum([metric[name].numel() for name in names])[:-1])
    return {name: torch.from_numpy(part.reshape(tuple(metric[name].shape)).copy())
            for name, part in zip(names, parts, strict=True)}


def by_lot(weights: Tensors, ratio: float, *, seed: int) -> Masks:
    """Of each layer as many as its share, drawn by lot."""
    generator = torch.Generator().manual_seed(seed)
    masks: Masks = {}
    for name in sorted(weights):
        size = weights[name].numel()
        mask = torch.zeros(size, dtype=torch.bool)
        mask[torch.randperm(size, generator=generator)[: round(ratio * size)]] = True
        masks[name] = mask.view(weights[name].shape)
    return masks


def _sum(tensors: Tensors) -> float:
    return math.fsum(float(each.double().sum()) for each in tensors.values())
