"""How narrow layers become that can be: as wide as their masks are dense, the strongest channels first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from worker.dnn.surgery.groups import Groups
from worker.dnn.surgery.mixing import Values
from worker.dnn.surgery.streams import Flags, Ids
from worker.sparsity.masks import Masks

WidthRule = Literal["density", "root_of_density"]
Couple = Literal["internal", "min_ratio"]


@dataclass(frozen=True)
class Asked:
    """`width_rule`: a layer keeps as large a part of its channels as its mask leaves of its weights, or that part's square
    root, which with both its sides narrowed leaves about as many weights as the mask.

    `couple`: what becomes of layers that are added to each other: `internal` leaves them as wide as they are; under
    `min_ratio` they are narrowed when all of them can be, and keep what the densest of them asks for.
    """

    width_rule: WidthRule = "density"
    couple: Couple = "internal"
    round_to: int = 1
    min_channels: int = 1


def narrowed(
    groups: Groups, weights: Mapping[str, torch.Tensor], masks: Masks, insensitive: frozenset[str], free: frozenset[str],
    asked: Asked,
) -> Flags:
    """Which channels stay. `free`: the layers that are tied to no other."""
    strength = groups.worth({name: weight.detach().abs() * masks[name] for name, weight in weights.items()})
    allowed = insensitive & free if asked.couple == "internal" else insensitive
    alive = groups.all.copy()
    for cell in groups.cells():
        makers = groups.makers(cell)
        if allowed.issuperset(makers):
            ratio = max(width(masks[name], asked.width_rule) / masks[name].shape[0] for name in makers)
            alive[cell] = False
            alive[strongest(strength, cell, math.ceil(ratio * len(cell) - 1e-9))] = True
    return groups.completed(alive, strength, round_to=asked.round_to, min_channels=asked.min_channels)


def width(mask: torch.Tensor, rule: WidthRule = "density") -> int:
    """How many output channels a layer's density asks for, rounded up."""
    channels = mask.shape[0]
    # In whole numbers: (1 - s) * C in floats would land just above an integer and round one channel too far up.
    if rule == "density":
        return -(-int(mask.sum()) * channels // mask.numel())
    square = -(-int(mask.sum()) * channels**2 // mask.numel())
    return math.isqrt(square - 1) + 1 if square else 0


def strongest(strength: Values, cell: Ids, count: int) -> Ids:
    """The `count` channels with the largest L1 norm of what the mask leaves; on a tie the lower number."""
    return cell[np.argsort(-strength[cell], kind="stable")[:count]]
