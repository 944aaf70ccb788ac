"""Prune single weights once, by any score; what that leaves empty can be removed, and often that is nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import torch
from torch import fx

from worker.events import Event, Log
from worker.pruning.pruned import Pruned
from worker.sparsity.masks import densities, empty_layers, prunable
from worker.sparsity.scores import Scores
from worker.sparsity.selection import Scope, select

Criterion = Callable[[dict[str, torch.Tensor]], Scores]


@dataclass(frozen=True)
class Rules:
    """`classifier`: prune the last layer too. `round_to`: widths after removing empty channels."""

    density: float
    scope: Scope = "global"
    classifier: bool = False
    round_to: int = 1


def prune(network: fx.GraphModule, criterion: Criterion, rules: Rules) -> Generator[Event, None, Pruned]:
    weights = prunable(network, classifier=rules.classifier)
    masks = select(criterion(weights), density=rules.density, scope=rules.scope)
    empty = empty_layers(masks)
    if empty:
        yield Log(level="warning", message=f"No weight is left in {', '.join(empty)}: nothing passes there; "
                                           "a lower sparsity leaves a way through.")
    pruned = Pruned(network, densities(masks), masks, rules.round_to)
    pruned.hold()
    yield Log(message=f"{pruned.zeros:.1%} of the weights of {len(masks)} layers are zero now.")
    return pruned
