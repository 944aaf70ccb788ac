"""What came out, in one sentence a person can repeat: no gain is claimed that the measurement does not carry."""

from __future__ import annotations

from dataclasses import dataclass

from worker.profiling.comparing import SAME, size, speed
from worker.profiling.stopwatch import Timing
from worker.pruning.recalibration import Effect
from worker.training.accuracy import Score, compared
from worker.wording import counted

NEARLY_ALL = 0.995


@dataclass(frozen=True)
class Outcome:
    """A pruned network beside its dense parent; a score is that of the test part, none where unknown.

    `untouched`: why the method left the network's shape as it was, said where it did. `compact`: emptied channels were
    removed. `fine_tuned`: it was trained after pruning. `spent`: what pruning cost, in epochs of training.
    """

    params_before: int
    params_after: int
    timing_before: Timing
    timing_after: Timing
    zeros: float | None = None
    score_before: Score | None = None
    score_after: Score | None = None
    untouched: str = ""
    compact: bool = True
    fine_tuned: bool = True
    effect: Effect | None = None
    spent: float = 0.0

    @property
    def smaller(self) -> float:
        return self.params_before / self.params_after


def sentence(outcome: Outcome) -> str:
    return f"{gains(outcome)}{_accuracy(outcome)}{_effect(outcome)}{_price(outcome.spent)}"


def gains(outcome: Outcome) -> str:
    """The part of the sentence that is known before training."""
    both = f"{size(outcome.smaller)}, {_speed(outcome)}"
    if outcome.untouched:
        return f"nothing was made narrower: {outcome.untouched}; {both}"
    return both if outcome.zeros is None else _masked(outcome, outcome.zeros, both)


def _masked(outcome: Outcome, share: float, both: str) -> str:
    zeros = f"{100 * share:.{2 if share > NEARLY_ALL else 1}f} % of the weights are zero"
    if not outcome.compact:
        return f"{zeros} and were left in place, as asked; the network is {both}"
    if outcome.smaller >= SAME:
        return f"{zeros}; without the channels they left empty the network is {both}"
    return (f"{zeros}, but the network is no smaller and {_speed(outcome)}: zeros that leave no channel empty are "
            "stored and multiplied like every other weight")


def _speed(outcome: Outcome) -> str:
    return speed(outcome.timing_before, outcome.timing_after)


def _accuracy(outcome: Outcome) -> str:
    before, after, joint = outcome.score_before, outcome.score_after, ", " if outcome.zeros is None else "; "
    if after is None:
        than = " than the dense network" if outcome.zeros is None else ""
        return f"{than}; not trained, so nothing is known of its accuracy"
    untrained = "" if outcome.fine_tuned else ", with no training after pruning"
    if before is None:
        return (f"{joint}{100 * after.accuracy:.1f} % accurate (test, n = {after.n}){untrained}; "
                "no dense network was trained to compare with")
    return f"{joint}{compared(before, after, 'the dense network')}{untrained}"


def _effect(outcome: Outcome) -> str:
    """What new statistics did; after training on, nobody can tell any more."""
    if outcome.effect is None or outcome.fine_tuned:
        return ""
    before, after = (100 * score.accuracy for score in (outcome.effect.before, outcome.effect.after))
    return f"; batch-norm statistics computed anew took it from {before:.1f} % to {after:.1f} % accurate"


def _price(epochs: float) -> str:
    if not epochs:
        return ""
    told = counted(int(epochs), "epoch") if epochs == int(epochs) else f"{float(f'{epochs:.2g}'):g} epochs"
    return f"; pruning cost as much as {told} of training"
