"""Prune whole channels by the size of their weights: the network is narrow at once, whatever it is made of."""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, cast

import torch
from torch import fx

from worker.dnn.surgery.choosing import prune_channels
from worker.dnn.surgery.groups import Groups
from worker.dnn.surgery.mixing import Mixing, widths
from worker.dnn.surgery.shrinking import Shrunk
from worker.events import Event, Log
from worker.pruning.pruned import Pruned

Norm = Literal["l1", "l2"]
MOST_REASONS = 20
LONGEST = 2000
# Shares are tried until they differ by less than a channel of the widest layers.
FINE = 1 / 8192


@dataclass(frozen=True)
class Rules:
    """`share`: of its channels that each layer keeps; `params` instead: as many parameters as the network shall have."""

    share: float
    params: int = 0
    norm: Norm = "l1"
    round_to: int = 1
    min_channels: int = 1


def prune(network: fx.GraphModule, rules: Rules) -> Generator[Event, None, Pruned]:
    if rules.params:
        rules = replace(rules, share=nearest_share(network, rules))
    small = narrowed(network, rules)
    if rules.params:
        yield Log(message=f"With {rules.share:.1%} of its channels in every layer the network has {count(small.network):,} "
                          f"parameters; {rules.params:,} were asked for.")
    before = {name: widths(cast("Mixing", network.get_submodule(name)))[0] for name in small.kept}
    density = {name: len(kept) / before[name] for name, kept in small.kept.items()}
    slim = [name for name, share in density.items() if share < 1]
    yield Log(message=f"{len(slim)} of {len(density)} layers are narrower now; together they keep "
                      f"{sum(map(len, small.kept.values())):,} of {sum(before.values()):,} channels.")
    for name, why in islice(small.reasons.items(), MOST_REASONS):
        yield Log(message=f"{name}: {why}"[:LONGEST])
    if len(small.reasons) > MOST_REASONS:
        yield Log(message=f"{len(small.reasons) - MOST_REASONS:,} more layers keep more channels than was asked for.")
    untouched = "" if slim else "every layer needs the channels it has, or rounding up gave them back"
    return Pruned(small.network, density, untouched=untouched)


def narrowed(network: fx.GraphModule, rules: Rules) -> Shrunk:
    """The network with `rules.share` of its channels in each layer."""
    weighed = network if rules.norm == "l1" else _squared(network)
    small = prune_channels(weighed, rules.share, round_to=rules.round_to, min_channels=rules.min_channels)
    if weighed is network:
        return small
    groups = Groups(network)
    return replace(groups.cut(groups.with_outputs(small.kept)), reasons=small.reasons)


@torch.no_grad()
def _squared(network: fx.GraphModule) -> fx.GraphModule:
    """The sums of its weights' magnitudes are sums of squares, which rank as the L2 norm does."""
    twin = copy.deepcopy(network)
    for parameter in twin.parameters():
        parameter.square_()
    return twin


def nearest_share(network: fx.GraphModule, rules: Rules) -> float:
    """The share of channels, the same in every layer, with which the network has nearest to `rules.params` parameters."""
    def params(share: float) -> int:
        return count(narrowed(network, replace(rules, share=share, norm="l1")).network)

    low, high = FINE, 1.0
    while high - low > FINE:
        middle = (low + high) / 2
        low, high = (middle, high) if params(middle) <= rules.params else (low, middle)
    return min((low, high), key=lambda share: abs(params(share) - rules.params))


def count(network: fx.GraphModule) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
