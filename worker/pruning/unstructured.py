"""Prune single weights, by any search for those that stay; what that leaves empty can be removed, and often that is nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal

import torch

from worker.dnn.initialisation import Drawn, reinitialise
from worker.events import Event, Log
from worker.pruning.pruned import Pruned, Subject
from worker.sparsity.masks import Masks, densities, empty_layers, prunable
from worker.sparsity.scores import shuffled
from worker.sparsity.selection import Scope

Control = Literal["none", "shuffle", "reinitialise", "invert"]
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Rules:
    """`classifier`: prune the last layer too. `round_to`: widths after removing empty channels.
    `control`: a check whether the score is worth anything; `seed` is that of what the control draws, and `drawn` how it
    draws weights.
    """

    density: float
    scope: Scope = "global"
    classifier: bool = False
    round_to: int = 1
    control: Control = "none"
    seed: int = 7
    drawn: Drawn = "kaiming_normal"


@dataclass(frozen=True)
class Found:
    """`images`: how often, all in all, an image was run forwards and backwards to find the masks."""

    masks: Masks
    images: int = 0


# Which weights stay, at the density that the rules ask for; the subject's weights are afterwards what they were.
Search = Callable[[Subject, Weights, Rules], Generator[Event, None, Found]]


def prune(subject: Subject, search: Search, rules: Rules) -> Generator[Event, None, Pruned]:
    weights = prunable(subject.network, classifier=rules.classifier)
    if not weights:
        raise ValueError("There is nothing to prune: the network has no convolution and no linear layer but its last.")
    found = yield from search(subject, weights, rules)
    masks = yield from controlled(subject, found.masks, rules)
    yield from _collapsed(masks)
    spent = found.images / len(subject.data.parts["train"]) if found.images else 0.0
    pruned = Pruned(subject.network, densities(masks), masks, rules.round_to,
                    redrawn=rules.control == "reinitialise", spent=spent)
    pruned.hold()
    yield Log(message=f"{pruned.zeros:.1%} of the weights of {len(masks)} layers are zero now.")
    return pruned


def controlled(subject: Subject, masks: Masks, rules: Rules) -> Generator[Event, None, Masks]:
    """Frankle et al. 2020, arXiv 2009.08576: whatever survives these was not the choice of single weights."""
    if rules.control == "shuffle":
        yield Log(message="Sanity control: each layer keeps as many weights as its score left it, but drawn by lot.")
        return shuffled(masks, rules.seed)
    if rules.control == "reinitialise":
        yield Log(message="Sanity control: the mask stays, and all weights are drawn afresh.")
        # With the run's own seed they would be what they were.
        reinitialise(subject.network, rules.seed + 1, drawn=rules.drawn)
    if rules.control == "invert":
        yield Log(message="Sanity control: the weights with the lowest scores were kept.")
    return masks


def _collapsed(masks: Masks) -> Generator[Event, None, None]:
    empty = empty_layers(masks)
    if empty:
        yield Log(level="warning", message=f"No weight is left in {', '.join(empty)}: nothing passes there; "[:1900]
                                           + "a lower sparsity leaves a way through.")
