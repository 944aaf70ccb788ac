"""The criteria by which single weights are pruned, each as a search for the weights that stay."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import fx

from worker.events import Event, Log, Progress
from worker.profiling.pulse import Pulse
from worker.pruning.pruned import Subject
from worker.pruning.unstructured import Found, Rules, Search, Weights
from worker.sparsity import gradients, scores
from worker.sparsity.flowing import bends
from worker.sparsity.masks import Masks
from worker.sparsity.schedules import Schedule, falling
from worker.sparsity.scores import Scores, inverted
from worker.sparsity.scoring import ScoringSet, balanced
from worker.sparsity.selection import select
from worker.sparsity.synflow import ROUNDS, Flow, masks_of, ranked, rounds
from worker.training.hardware import chosen

Each = TypeVar("Each")
Score = Callable[[fx.GraphModule, Weights], Scores]
STAGE = "rounds of scoring"


@dataclass(frozen=True)
class Rounds:
    """In how many rounds the density falls, and how; scores are taken anew in each."""

    count: int = 1
    schedule: Schedule = "exponential"

    def densities(self, density: float) -> list[float]:
        return falling(self.schedule, density, self.count)


def magnitude() -> Search:
    return lambda subject, weights, rules: searched(subject, weights, rules, lambda _, given: scores.magnitude(given))


def random() -> Search:
    return lambda subject, weights, rules: searched(subject, weights, rules, lambda _, given: scores.random(given, rules.seed))


def snip(images_per_class: int = 10, turns: Rounds | None = None, *, per_batch: bool = False) -> Search:
    turns = turns or Rounds()

    def search(subject: Subject, weights: Weights, rules: Rules) -> Generator[Event, None, Found]:
        batches = yield from images_of(subject, images_per_class, rules)

        def score(network: fx.GraphModule, given: Weights) -> Scores:
            return gradients.snip(network, given, batches, per_batch=per_batch)

        return (yield from searched(subject, weights, rules, score, turns, images=batches.images))
    return search


def grasp(images_per_class: int = 10, *, temperature: float = gradients.TEMPERATURE, absolute: bool = False) -> Search:
    """An image of a single batch counts three times, one of several batches four times.

    One pass forwards and backwards is for the gradient. Going back through it walks both of its directions, and has twice a
    pass's multiplications (counted: `test_grasp_costs.py`). Of several batches the gradient of all is taken first, one pass
    more, and then again batch by batch.
    """
    def search(subject: Subject, weights: Weights, rules: Rules) -> Generator[Event, None, Found]:
        batches = yield from images_of(subject, images_per_class, rules)

        def score(network: fx.GraphModule, given: Weights) -> Scores:
            return gradients.grasp(network, given, batches, temperature=temperature, absolute=absolute)

        return (yield from searched(subject, weights, rules, score, images=(3 if len(batches) == 1 else 4) * batches.images))
    return search


def synflow(turns: Rounds | None = None) -> Search:
    turns = turns or Rounds(ROUNDS)

    def search(subject: Subject, weights: Weights, rules: Rules) -> Generator[Event, None, Found]:
        flow, densities = Flow(subject.network, weights, subject.data.in_shape, device=chosen()), turns.densities(rules.density)
        yield from _told(subject, turns)
        if rules.scope == "local" or rules.control == "invert":
            return Found((yield from _counted(ranked(flow, densities, rules.scope, invert=rules.control == "invert"), turns)))
        return Found(masks_of(flow, (yield from _counted(rounds(flow, densities), turns))))
    return search


def _told(subject: Subject, turns: Rounds) -> Iterator[Event]:
    yield Log(message=f"SynFlow takes {turns.count} rounds, and looks at no image: none counts towards the epoch-equivalents.")
    if found := bends(subject.network):
        yield Log(message=f"SynFlow was made for rectifiers and batch-norm; {', '.join(found)} let its flow through as it is.")


def _counted(turns: Iterator[Each], of: Rounds) -> Generator[Event, None, Each]:
    """Goes through all rounds and hands over the last."""
    pulse = Pulse()
    last = next(turns)
    for done, last in enumerate(turns, 2):  # noqa: B007
        if pulse.due():
            yield Progress(done=done, total=of.count, stage=STAGE)
    return last


def searched(
    subject: Subject, weights: Weights, rules: Rules, score: Score, turns: Rounds | None = None, *, images: int = 0,
) -> Generator[Event, None, Found]:
    """Score, prune to the next density, and again. The weights are put back at the end: a control may want them."""
    turns = turns or Rounds()
    with _placed(subject.network):
        given = {name: weight.detach().clone() for name, weight in weights.items()} if turns.count > 1 else {}
        try:
            masks = yield from _counted(_rounds(subject.network, weights, rules, score, turns), turns)
        finally:
            _put(weights, given)
    return Found(masks, images * turns.count)


def _rounds(network: fx.GraphModule, weights: Weights, rules: Rules, score: Score, turns: Rounds) -> Iterator[Masks]:
    masks: Masks | None = None
    for density in turns.densities(rules.density):
        found = score(network, weights)
        masks = select(inverted(found) if rules.control == "invert" else found, masks, density=density, scope=rules.scope)
        if turns.count > 1:
            _put(weights, {name: weight.detach() * masks[name].to(weight.device) for name, weight in weights.items()})
        yield masks


@torch.no_grad()
def _put(weights: Weights, values: Weights) -> None:
    for name, value in values.items():
        weights[name].copy_(value)


@contextmanager
def _placed(network: fx.GraphModule) -> Iterator[None]:
    network.to(chosen())
    try:
        yield
    finally:
        network.cpu()


def images_of(subject: Subject, per_class: int, rules: Rules) -> Generator[Event, None, ScoringSet]:
    batches = balanced(subject.data, per_class, seed=rules.seed, device=chosen())
    yield Log(message=f"Scores are taken on {batches.images:,} training images: {per_class:,} of each class that has as many.")
    return batches
