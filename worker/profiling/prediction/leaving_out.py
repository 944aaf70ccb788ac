"""The error that a prediction really has: the same question asked of what is measured, with the answer left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from worker.profile import ENOUGH_LEFT_OUT
from worker.profiling.prediction.rows import Bools, Floats, Rows

# More are not asked: they are taken at even distances.
MOST_FOLDS = 24
WITHIN = 0.95


@dataclass(frozen=True)
class Question:
    """Whether the device has other networks measured on it, and whether other devices have the network measured on them."""

    device_known: bool
    network_known: bool


@dataclass(frozen=True)
class Fold:
    """`kept` is what may be learnt from; `device` and the networks of `asked` are what is to be predicted."""

    kept: Bools
    device: int
    asked: Bools


@dataclass(frozen=True)
class Error:
    """Of n left-out numbers: how far the measured one was from the predicted one, as a share of the predicted one.

    `typical`: half of them were closer. `within`: 95 % were closer; of fewer than twenty, all. `mean`: the mean of the error as
    a share of the measured one, as others report it.
    """

    typical: float
    within: float
    mean: float
    n: int

    def around(self, seconds: float) -> tuple[float, float]:
        return seconds * max(0.0, 1.0 - self.within), seconds * (1.0 + self.within)


def folds(rows: Rows, question: Question) -> list[Fold]:
    """One for each way to leave out what the question's answer lacks."""
    found = [fold for fold in _every(rows, question) if fold.kept.any() and fold.asked.any()]
    if len(found) <= MOST_FOLDS:
        return found
    return [found[int(place)] for place in np.linspace(0, len(found) - 1, MOST_FOLDS)]


def _every(rows: Rows, question: Question) -> Iterator[Fold]:
    for device in map(int, np.unique(rows.device)):
        mine = rows.device == device
        if not question.device_known and question.network_known:
            yield Fold(~mine, device, mine & np.isin(rows.network, rows.network[~mine]))
            continue
        for network in map(int, np.unique(rows.network[mine])):
            yield from _pair(rows, question, device, mine, rows.network == network)


def _pair(rows: Rows, question: Question, device: int, mine: Bools, of_it: Bools) -> Iterator[Fold]:
    asked = mine & of_it
    if question.network_known and not (of_it & ~mine).any():
        return
    if question.device_known:
        kept = ~asked if question.network_known else ~of_it
        if (kept & mine).any():
            yield Fold(kept, device, asked)
    else:
        yield Fold(~mine & ~of_it, device, asked)


@dataclass(frozen=True)
class Answer:
    """One network of one fold: what was predicted for its blocks, and what had been measured."""

    fold: int
    told: Floats
    was: Floats

    @property
    def badness(self) -> float:
        """Logarithms, so that half and double weigh alike; blocks by their share of the time."""
        return float(abs(np.log(self.told.sum() / self.was.sum())) + _weighted(self.told, self.was))


@dataclass(frozen=True)
class Answers:
    """What was predicted and what had been measured, block by block and network by network."""

    every: tuple[Answer, ...]

    @property
    def is_empty(self) -> bool:
        return not self.every

    @property
    def of_blocks(self) -> Error:
        return error(np.concatenate([each.told for each in self.every]), np.concatenate([each.was for each in self.every]))

    @property
    def of_totals(self) -> Error:
        return error(np.array([each.told.sum() for each in self.every]), np.array([each.was.sum() for each in self.every]))

    @property
    def badness(self) -> float:
        """By which forms are compared."""
        return self.badness_without(None)

    def badness_without(self, fold: int | None) -> float:
        """That of the other folds; infinite where there are none."""
        others = [each.badness for each in self.every if each.fold != fold]
        return float(np.mean(others)) if others else float("inf")

    def of_fold(self, fold: int) -> tuple[Answer, ...]:
        return tuple(each for each in self.every if each.fold == fold)


def unchosen(tried: Sequence[Answers]) -> Answers:
    """Every fold as the form answers it that is the best of the other folds: an error that chose its own form looks too small."""
    found: list[Answer] = []
    for fold in sorted({each.fold for answers in tried for each in answers.every}):
        able = [answers for answers in tried if answers.of_fold(fold)]
        found += min(able, key=lambda answers: (answers.badness_without(fold), answers.badness)).of_fold(fold)
    return Answers(tuple(found))


def _weighted(told: Floats, was: Floats) -> float:
    there = was > 0
    logs = np.abs(np.log(np.maximum(told[there], 1e-12) / was[there]))
    return float((logs * was[there]).sum() / was.sum())


def error(told: Floats, was: Floats) -> Error:
    """Of numbers that were predicted; nothing is said of a measured time of exactly 0, which no clock can mean."""
    told, was = told[was > 0], was[was > 0]
    off = np.sort(np.abs(was / np.maximum(told, 1e-12) - 1))
    place = (int(np.ceil(WITHIN * len(off))) if len(off) >= ENOUGH_LEFT_OUT else len(off)) - 1
    return Error(float(np.median(off)), float(off[place]), float(np.mean(np.abs(told / was - 1))), len(off))


def asked(rows: Rows, parts: Sequence[Fold], answer: Callable[[Rows, int, Rows], Floats | None]) -> Answers:
    """Every fold answered: `answer(what is kept, the device, what is asked)`; None where it cannot be answered."""
    found: list[Answer] = []
    for number, fold in enumerate(parts):
        left_out = rows.take(fold.asked)
        told = answer(rows.take(fold.kept), fold.device, left_out)
        if told is not None and np.isfinite(told).all():
            found += [Answer(number, told[mine], left_out.seconds[mine]) for network in np.unique(left_out.network)
                      if left_out.seconds[mine := left_out.network == network].sum() > 0]
    return Answers(tuple(found))
