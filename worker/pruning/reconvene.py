"""Reconvene's mathematics: where global pruning puts its zeros says which layers can be narrow; then all is redrawn."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import fx

from worker.dnn.initialisation import Drawn, reinitialise
from worker.dnn.surgery import free_outputs
from worker.dnn.surgery.groups import Groups
from worker.events import Event, Log, Metric
from worker.pruning import unstructured
from worker.pruning.narrowing import Asked, Couple, WidthRule, narrowed
from worker.pruning.pruned import Pruned, Subject
from worker.pruning.sensitivity import Average, Sensitivity, evaluate
from worker.pruning.unstructured import Control, Search
from worker.sparsity.masks import Masks, densities, density, prunable
from worker.sparsity.selection import Scope

Redraw = Literal["all", "affected"]


@dataclass(frozen=True)
class Rules:
    """The method's knobs; `density` is what the mask leaves of the convolutions' weights. `fresh`: the weights that are
    masked may be drawn as `drawn` says first. What the others mean is said in the modules that they come from."""

    density: float
    scope: Scope = "global"
    drawn: Drawn = "kaiming_normal"
    fresh: bool = False
    average: Average = "layer_mean"
    width_rule: WidthRule = "density"
    couple: Couple = "internal"
    redraw: Redraw = "all"
    round_to: int = 1
    min_channels: int = 1
    control: Control = "none"
    seed: int = 7

    @property
    def masking(self) -> unstructured.Rules:
        return unstructured.Rules(self.density, scope=self.scope, control=self.control, seed=self.seed, drawn=self.drawn)

    @property
    def asked(self) -> Asked:
        return Asked(self.width_rule, self.couple, round_to=self.round_to, min_channels=self.min_channels)


def prune(subject: Subject, search: Search, rules: Rules) -> Generator[Event, None, Pruned]:
    """Mask, judge the layers, narrow the insensitive ones, draw the weights afresh. Only the search may look at data."""
    network = subject.network
    weights = prunable(network, linear=False)
    if not weights:
        raise ValueError("There is nothing to narrow: the network has no convolution.")
    if rules.fresh and not subject.initial and rules.drawn != "kaiming_normal":
        reinitialise(network, rules.seed, drawn=rules.drawn)
    found = yield from search(subject, weights, rules.masking)
    masks = yield from unstructured.controlled(subject, found.masks, rules.masking)
    yield from _inherent(rules)
    judged = evaluate(masks, rules.average)
    yield Metric(name="sensitivity", value=1 - judged.average)
    groups = Groups(network)
    free = frozenset(free_outputs(network))
    alive = narrowed(groups, weights, masks, judged.insensitive, free, rules.asked)
    small = groups.cut(alive)
    widths = {name: (weights[name].shape[0], len(kept)) for name, kept in small.kept.items() if name in weights}
    narrow = {name: pair for name, pair in widths.items() if pair[1] < pair[0]}
    untouched = "" if narrow else _untouched(masks, judged, free, rules)
    yield Log(message=_told(judged, narrow, untouched))
    _redraw(small.network, network, rules)
    return Pruned(small.network, densities(masks), redrawn=rules.redraw == "all" or bool(narrow), untouched=untouched,
                  spent=found.images / len(subject.data.parts["train"]) if found.images else 0.0)


def _inherent(rules: Rules) -> Iterator[Event]:
    """What the controls of single weights cannot change here. Where one layer's channels are dealt to several others, each
    may get another number of them: there even a shuffle can move a width."""
    if rules.control in ("shuffle", "reinitialise"):
        yield Log(message=f"Widths come from how many weights of each layer are left, not from which; {_left_to(rules)}.")


def _left_to(rules: Rules) -> str:
    if rules.control == "reinitialise":
        return "so only the weights that training begins with, drawn with another seed, differ from a run without this control"
    if rules.redraw == "all":
        return ("and all weights are drawn afresh after that: unless a layer's channels are dealt to several others, this is the "
                "very network of a run without this control")
    return "only which channels stay can differ from a run without this control"


def _redraw(narrow: fx.GraphModule, network: fx.GraphModule, rules: Rules) -> None:
    """The Resilient Layer Rectifier: a slice of wide layers' weights has too small a variance for the narrow ones."""
    seed = rules.seed + (rules.control == "reinitialise")
    reinitialise(narrow, seed, None if rules.redraw == "all" else touched(network, narrow), rules.drawn)


def _untouched(masks: Masks, judged: Sensitivity, free: frozenset[str], rules: Rules) -> str:
    """Why no layer was made narrower, and what would change that."""
    if not density(masks):
        return "at this sparsity no weight is left to tell the layers apart, and a lower one leaves some"
    if not judged.insensitive:
        return f"no convolution was sparser than the average{_alike(judged, rules)}"
    if rules.couple == "internal" and not judged.insensitive & free:
        return "only convolutions that others are added to were sparser than the average, and they keep their width"
    if rules.couple == "min_ratio" and not judged.insensitive & free:
        return "each convolution that was sparser than the average is added to one that was not, or is needed whole"
    return ("the widths asked for, rounded up and held to the minimum, are those the layers have, "
            "and a higher sparsity or a lower minimum narrows them")


def _alike(judged: Sensitivity, rules: Rules) -> str:
    if not judged.alike or len(judged.sparsity) == 1:
        return ""
    if rules.scope == "local":
        return " because the same part of each was pruned, and ranking all weights together tells them apart"
    return (" by more than chance: all layers have scores of one size, as weights with the same standard deviation everywhere "
            "have, and only weights whose size tells the layers apart (Kaiming's do) can be judged")


def _told(judged: Sensitivity, narrow: Mapping[str, tuple[int, int]], untouched: str) -> str:
    widths = ", ".join(f"{name} {before} to {after}" for name, (before, after) in narrow.items())
    return (f"{len(judged.insensitive)} of {len(judged.sparsity)} convolutions are sparser than the average "
            f"({judged.average:.3f}); made narrower: {widths or f'none ({untouched})'}.")[:2000]


def touched(before: torch.nn.Module, after: torch.nn.Module) -> set[str]:
    """Layers whose tensors changed shape: those made narrower and those that read from them."""
    shapes = {name: tensor.shape for name, tensor in before.state_dict().items()}
    changed = [name for name, tensor in after.state_dict().items() if tensor.shape != shapes[name]]
    return {name.rpartition(".")[0] for name in changed}
