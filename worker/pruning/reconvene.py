"""Reconvene's mathematics: where global pruning puts its zeros says which layers can be narrow; then all is redrawn."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import fx

from worker.dnn.initialisation import reinitialise
from worker.dnn.surgery import free_outputs, keep_channels
from worker.events import Event, Log, Metric
from worker.pruning.pruned import Pruned
from worker.sparsity.masks import Masks, densities, density, prunable
from worker.sparsity.scores import magnitude
from worker.sparsity.selection import select

Average = Literal["layer_mean", "param_weighted"]
Redraw = Literal["all", "affected"]
HAIR = 1e-9


@dataclass(frozen=True)
class Rules:
    """The method's knobs; `density` is what the mask leaves of the convolutions' weights."""

    density: float
    average: Average = "layer_mean"
    redraw: Redraw = "all"
    round_to: int = 1
    min_channels: int = 1
    seed: int = 7


def prune(network: fx.GraphModule, rules: Rules) -> Generator[Event, None, Pruned]:
    """Mask, judge the layers, narrow the insensitive ones, draw the weights afresh. Needs no data.

    The residual stream keeps its width: only layers whose outputs nothing is added to are narrowed.
    """
    weights = prunable(network, linear=False)
    masks = select(magnitude(weights), density=rules.density)
    judged = evaluate(masks, rules.average)
    yield Metric(name="sensitivity", value=1 - judged.average)
    free = judged.insensitive & frozenset(free_outputs(network))
    keep = narrowing(weights, masks, free, min_channels=rules.min_channels, round_to=rules.round_to)
    untouched = "" if keep else _untouched(masks, judged, free)
    yield Log(message=_told(judged, keep, weights, untouched))
    narrow = keep_channels(network, keep)
    _redraw(narrow, network, rules)
    return Pruned(narrow, densities(masks), redrawn=rules.redraw == "all" or bool(keep), untouched=untouched)


def _redraw(narrow: fx.GraphModule, network: fx.GraphModule, rules: Rules) -> None:
    """The Resilient Layer Rectifier: a slice of wide layers' weights has too small a variance for the narrow ones."""
    reinitialise(narrow, rules.seed, None if rules.redraw == "all" else touched(network, narrow))


def _untouched(masks: Masks, judged: Sensitivity, free: frozenset[str]) -> str:
    """Why no layer was made narrower, and what would change that."""
    if not density(masks):
        return "at this sparsity no weight is left to tell the layers apart, and a lower one leaves some"
    if not judged.insensitive:
        return "no convolution was sparser than the average"
    if not free:
        return "only convolutions that others are added to were sparser than the average, and they keep their width"
    return ("the widths asked for, rounded up and held to the minimum, are those the layers have, "
            "and a higher sparsity or a lower minimum narrows them")


def _told(
    judged: Sensitivity, keep: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor], untouched: str,
) -> str:
    widths = ", ".join(f"{name} {weights[name].shape[0]} to {len(index)}" for name, index in keep.items())
    return (f"{len(judged.insensitive)} of {len(judged.sparsity)} convolutions are sparser than the average "
            f"({judged.average:.3f}); made narrower: {widths or f'none ({untouched})'}.")[:2000]


@dataclass(frozen=True)
class Sensitivity:
    """Each layer's sparsity under the mask, the average it is held against, and the layers that lie above it."""

    sparsity: dict[str, float]
    average: float
    insensitive: frozenset[str]


def evaluate(masks: Masks, average: Average = "layer_mean") -> Sensitivity:
    """The Pruning Sensitivity Evaluator: a layer with more zeros than the average can be made narrower.

    Strictly more, so that a network whose layers are all alike is left alone.
    """
    sparsity = {name: 1 - left for name, left in densities(masks).items()}
    # A hair wide: the mean of equal numbers may come out below them.
    limit = sum(sparsity.values()) / len(sparsity) if average == "layer_mean" else 1 - density(masks)
    return Sensitivity(sparsity, limit, frozenset(name for name, zeros in sparsity.items() if zeros > limit + HAIR))


def width(mask: torch.Tensor, *, min_channels: int = 1, round_to: int = 1) -> int:
    """As many output channels as the layer's density asks for, rounded up, at least `min_channels`."""
    channels = mask.shape[0]
    # In whole numbers: (1 - s) * C in floats would land just above an integer and round one channel too far up.
    asked = -(-int(mask.sum()) * channels // mask.numel())
    rounded = -(-asked // round_to) * round_to
    return min(channels, max(min_channels, rounded))


def strongest(weight: torch.Tensor, mask: torch.Tensor, count: int) -> torch.Tensor:
    """The `count` channels with the largest L1 norm of what the mask leaves; on a tie the lower index. In order."""
    norms = (weight.detach() * mask).abs().flatten(1).sum(1)
    ranked = torch.sort(norms, descending=True, stable=True).indices
    return ranked[:count].sort().values


def narrowing(
    weights: Mapping[str, torch.Tensor], masks: Masks, layers: frozenset[str], *,
    min_channels: int = 1, round_to: int = 1,
) -> dict[str, torch.Tensor]:
    """Which output channels stay in each of `layers`; a layer that would keep them all is not named."""
    asked = {name: width(masks[name], min_channels=min_channels, round_to=round_to)
             for name in weights if name in layers}
    return {name: strongest(weights[name], masks[name], count) for name, count in asked.items()
            if count < weights[name].shape[0]}


def touched(before: torch.nn.Module, after: torch.nn.Module) -> set[str]:
    """Layers whose tensors changed shape: those made narrower and those that read from them."""
    shapes = {name: tensor.shape for name, tensor in before.state_dict().items()}
    changed = [name for name, tensor in after.state_dict().items() if tensor.shape != shapes[name]]
    return {name.rpartition(".")[0] for name in changed}
