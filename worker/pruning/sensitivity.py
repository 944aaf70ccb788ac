"""Reconvene's Pruning Sensitivity Evaluator: which layers a mask left sparser than the average, and so can be narrow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from worker.sparsity.masks import Masks, densities, density

Average = Literal["layer_mean", "param_weighted"]
HAIR = 1e-9
# Standard errors: of some fifty layers that are alike, one in three hundred networks has one so far out.
CHANCE = 4.0


@dataclass(frozen=True)
class Sensitivity:
    """Each layer's sparsity under the mask, the average it is held against, and the layers that lie above it.

    `alike`: no layer is sparser or denser than all together by more than chance explains, so none can be told from another.
    """

    sparsity: dict[str, float]
    average: float
    insensitive: frozenset[str]
    alike: bool = False


def evaluate(masks: Masks, average: Average = "layer_mean") -> Sensitivity:
    """A layer with more zeros than the average (of layers, or of all weights) can be made narrower.

    Strictly more, so that a network whose layers are all alike is left alone; so is one whose layers differ by chance.
    """
    sparsity = {name: 1 - left for name, left in densities(masks).items()}
    # A hair wide: the mean of equal numbers may come out below them.
    limit = sum(sparsity.values()) / len(sparsity) if average == "layer_mean" else 1 - density(masks)
    left = density(masks)
    alike = all(abs(zeros - (1 - left)) <= HAIR + CHANCE * _doubt(left, masks[name].numel()) for name, zeros in sparsity.items())
    above = frozenset(name for name, zeros in sparsity.items() if zeros > limit + HAIR)
    return Sensitivity(sparsity, limit, frozenset() if alike else above, alike)


def _doubt(left: float, weights: int) -> float:
    """The standard error of the sparsity of a layer whose weights lie in one urn with all others, of which `left` stay."""
    return math.sqrt(left * (1 - left) / weights)
