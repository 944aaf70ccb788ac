"""What a server does in one round with the images it has by then: Deep Partial Updating, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal

import torch

from worker.events import Event
from worker.sparsity.masks import Masks
from worker.training.accuracy import Score
from worker.updating.choosing import Mode, best, by_lot, combined, count_of, global_contribution
from worker.updating.learning import Learner, State

# When a round begins with the first network again: never; when the images have more than doubled since; in every round.
Restart = Literal["never", "doubled", "always"]


@dataclass(frozen=True)
class Round:
    """One round. `start_score`: of the network that it begins with, on the validation part."""

    learner: Learner
    start_score: Score
    epochs: int
    tuning_epochs: int
    seed: int


@dataclass
class Outcome:
    """The best state of a round, on the validation part; None when nothing was better than what it began with."""

    score: Score
    state: State | None = None

    def offer(self, learner: Learner, found: Score, *, equal: bool = False) -> None:
        if found.finite and (found.correct > self.score.correct or (equal and found.correct == self.score.correct)):
            self.score, self.state = found, learner.state()


Go = Callable[[Round], Generator[Event, None, Outcome]]


@dataclass(frozen=True)
class Way:
    """`blank`: weights that are not sent are zero. `whole`: everything is sent."""

    name: str
    go: Go
    restart: Restart
    blank: bool = False
    whole: bool = False


def partial(name: str, ratio: float, *, balance: float = 0.5, mode: Mode = "dpu", restart: Restart = "doubled") -> Way:
    """Train everything; keep the weights that count most, put the others back, and train the kept ones on."""

    def go(around: Round) -> Generator[Event, None, Outcome]:
        learner, before = around.learner, around.learner.values()
        yield from _everything(around, note=True)
        metric = combined(global_contribution(before, learner.values()), learner.local, balance=balance, mode=mode)
        keep = best(metric, count_of(ratio, metric))
        learner.rewind(keep, before)
        return (yield from _tuned(around, keep))

    return Way(name, go, restart)


def pruning(name: str, ratio: float) -> Way:
    """From the first network: train everything, set all but the largest weights to zero, and train these on."""

    def go(around: Round) -> Generator[Event, None, Outcome]:
        learner = around.learner
        yield from _everything(around)
        sizes = {layer: weight.abs() for layer, weight in learner.values().items()}
        keep = best(sizes, count_of(ratio, sizes))
        learner.rewind(keep, {layer: torch.zeros_like(weight) for layer, weight in sizes.items()})
        return (yield from _tuned(around, keep))

    return Way(name, go, "always", blank=True)


def random(name: str, ratio: float, *, restart: Restart = "never") -> Way:
    """Of each layer the same share, drawn by lot, and only these are trained."""

    def go(around: Round) -> Generator[Event, None, Outcome]:
        keep = by_lot(around.learner.values(), ratio, seed=around.seed)
        return (yield from _in_one_go(around, keep))

    return Way(name, go, restart)


def full(name: str, *, restart: Restart = "always") -> Way:
    """Train everything and send everything."""
    return Way(name, lambda around: _in_one_go(around, None), restart, whole=True)


def _everything(around: Round, *, note: bool = False) -> Generator[Event, None, None]:
    for number in range(1, around.epochs + 1):
        yield from around.learner.epoch(number, around.epochs, note=note)


def _tuned(around: Round, keep: Masks) -> Generator[Event, None, Outcome]:
    """The learning rate begins anew, the optimiser goes on. A tie goes to the rewound state; epochs after it must be better."""
    outcome = Outcome(around.start_score)
    outcome.offer(around.learner, (yield from around.learner.validated()), equal=True)
    for number in range(1, around.tuning_epochs + 1):
        yield from around.learner.epoch(number, around.tuning_epochs, keep=keep)
        outcome.offer(around.learner, (yield from around.learner.validated()))
    return outcome


def _in_one_go(around: Round, keep: Masks | None) -> Generator[Event, None, Outcome]:
    """As many epochs as the others have in both their steps; the best of them by validation."""
    epochs, outcome = around.epochs + around.tuning_epochs, Outcome(around.start_score)
    for number in range(1, epochs + 1):
        yield from around.learner.epoch(number, epochs, keep=keep)
        outcome.offer(around.learner, (yield from around.learner.validated()), equal=number == 1)
    return outcome
