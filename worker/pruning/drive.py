"""DRIVE's mathematics: what a weight is worth is its size, what cutting it would cost, and how far it is from settled.

The size |w| says little of fresh weights, hence the warm-up before. Dual gradient: the two other terms are |dL/dc|, c being
the mask, which is |w * dL/dw|, and |dL/dw| itself; one pass through the scoring images gives both.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import fx

from worker.events import Event, Log
from worker.pruning import unstructured
from worker.pruning.criteria import Rounds, images_of, searched
from worker.pruning.pruned import Pruned, Subject
from worker.pruning.unstructured import Found, Rules, Search, Weights
from worker.sparsity.gradients import Tensors, gradient, scoring, weights_of
from worker.sparsity.scores import Scores
from worker.sparsity.scoring import ScoringSet
from worker.training.batches import Batch
from worker.training.hardware import chosen

Combine = Literal["sum_norm", "sum_raw", "prod"]
Term = Literal["magnitude", "connection", "convergence"]
After = Literal["keep", "rewind"]
TERMS: tuple[Term, ...] = ("magnitude", "connection", "convergence")
ROUNDS = Rounds(50)


@dataclass(frozen=True)
class Knobs:
    """`terms`: which of the three count. `images_per_class`, or `batch` images drawn by lot where that is set.
    `after`: training goes on from the weights that were pruned, or from those before the warm-up.
    """

    combine: Combine = "sum_norm"
    terms: tuple[Term, ...] = TERMS
    rounds: Rounds = ROUNDS
    images_per_class: int = 10
    batch: int = 0
    after: After = "keep"


@dataclass(frozen=True)
class Terms:
    """Of each weight |w|, |w * g| and |g|, g being the gradient of the loss of `images` images together."""

    magnitude: Tensors
    connection: Tensors
    convergence: Tensors
    images: int


def prune(subject: Subject, rules: Rules, knobs: Knobs) -> Generator[Event, None, Pruned]:
    pruned = yield from unstructured.prune(subject, search(knobs), rules)
    if knobs.after == "keep" or not subject.initial or pruned.redrawn:
        return pruned
    subject.network.load_state_dict(dict(subject.initial))
    pruned.hold()
    yield Log(message="The weights that are left are again those from before the short training.")
    return replace(pruned, rewound=True)


def search(knobs: Knobs) -> Search:
    def found(subject: Subject, weights: Weights, rules: Rules) -> Generator[Event, None, Found]:
        batches = yield from _scored_on(subject, knobs, rules)

        def score(network: fx.GraphModule, given: Weights) -> Scores:
            return worth(network, given, batches, combine=knobs.combine, which=knobs.terms)

        return (yield from searched(subject, weights, rules, score, knobs.rounds, images=batches.images))
    return found


def _scored_on(subject: Subject, knobs: Knobs, rules: Rules) -> Generator[Event, None, ScoringSet]:
    if not knobs.batch:
        return (yield from images_of(subject, knobs.images_per_class, rules))
    drawn = torch.randperm(len(subject.data.parts["train"].labels), generator=torch.Generator().manual_seed(rules.seed))
    some = ScoringSet(subject.data, (drawn[: knobs.batch],), chosen())
    yield Log(message=f"Scores are taken on {some.images:,} training images, drawn by lot.")
    return some


def worth(
    network: fx.GraphModule, names: Collection[str], batches: Iterable[Batch], *,
    combine: Combine = "sum_norm", which: tuple[Term, ...] = TERMS,
) -> Scores:
    """The terms combined; weights that are zero are taken for pruned and count in no sum."""
    found = terms(network, weights_of(network, names), batches)
    return dict(zip(names, {"sum_norm": _normalised, "sum_raw": _raw, "prod": _product}[combine](found, which), strict=True))


def terms(network: fx.GraphModule, weights: Tensors, batches: Iterable[Batch]) -> Terms:
    """One pass forwards and backwards through all batches; running statistics are afterwards what they were."""
    slope, images = tuple(torch.zeros_like(weight) for weight in weights), 0
    with scoring(network):
        for batch in batches:
            torch._foreach_add_(slope, gradient(network, weights, batch))
            images += len(batch[1])
    values = [weight.detach() for weight in weights]
    living = [value.ne(0) for value in values]
    return Terms(magnitude=tuple(torch._foreach_abs(values)),
                 connection=tuple(torch._foreach_abs(torch._foreach_mul(slope, values))),
                 convergence=tuple(torch._foreach_abs(torch._foreach_mul(slope, living))), images=images)


def _normalised(found: Terms, which: tuple[Term, ...]) -> Tensors:
    """Each term as a part of its sum over all that are left: all weigh the same, whatever their units."""
    return _sum([_parts(getattr(found, term)) for term in which])


def _raw(found: Terms, which: tuple[Term, ...]) -> Tensors:
    """The terms as they are, of the mean loss: where gradients are small, |w| alone decides."""
    mean = {"magnitude": 1}
    return _sum([tuple(torch._foreach_div(getattr(found, term), mean.get(term, found.images))) for term in which])


def _product(found: Terms, which: tuple[Term, ...]) -> Tensors:
    """|w| times |g| is the connection's term, so all three are its square, which ranks as it does itself.

    In twice the precision, where a square is exact: else squaring would make ties of near neighbours.
    """
    both = {"magnitude", "convergence"} <= set(which)
    factors = [term for term in which if not both or term == "connection"] + ["connection"] * both
    each = [[part.double() for part in _parts(getattr(found, factor))] for factor in factors]
    product = each[0]
    for factor in each[1:]:
        product = list(torch._foreach_mul(product, factor))
    return tuple(product)


def _sum(addends: list[Tensors]) -> Tensors:
    total = addends[0]
    for addend in addends[1:]:
        total = tuple(torch._foreach_add(total, addend))
    return total


def _parts(tensors: Tensors) -> Tensors:
    total = float(torch.stack([tensor.sum(dtype=torch.float64) for tensor in tensors]).sum())
    return tuple(torch._foreach_div(tensors, total)) if total else tensors
