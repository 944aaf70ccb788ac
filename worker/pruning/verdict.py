"""What came out, in one sentence a person can repeat: no gain is claimed that the measurement does not carry."""

from __future__ import annotations

from dataclasses import dataclass

from worker.profiling.comparing import SAME, size, speed
from worker.profiling.stopwatch import Timing
from worker.training.accuracy import Score, compared


@dataclass(frozen=True)
class Outcome:
    """A pruned network beside its dense parent; a score is that of the test part, none where unknown.

    `untouched`: why the method left the network's shape as it was, said where it did.
    """

    params_before: int
    params_after: int
    timing_before: Timing
    timing_after: Timing
    zeros: float | None = None
    score_before: Score | None = None
    score_after: Score | None = None
    untouched: str = ""

    @property
    def smaller(self) -> float:
        return self.params_before / self.params_after


def sentence(outcome: Outcome) -> str:
    return f"{gains(outcome)}{_accuracy(outcome, ', ' if outcome.zeros is None else '; ')}"


def gains(outcome: Outcome) -> str:
    """The part of the sentence that is known before training."""
    both = f"{size(outcome.smaller)}, {_speed(outcome)}"
    if outcome.untouched:
        return f"nothing was made narrower: {outcome.untouched}; {both}"
    return both if outcome.zeros is None else _masked(outcome, outcome.zeros, both)


def _masked(outcome: Outcome, share: float, both: str) -> str:
    zeros = f"{100 * share:.1f} % of the weights are zero"
    if outcome.smaller >= SAME:
        return f"{zeros}; without the channels they left empty it is {both}"
    return (f"{zeros}, but the network is no smaller and {_speed(outcome)}: zeros that leave no channel empty are "
            "stored and multiplied like every other weight")


def _speed(outcome: Outcome) -> str:
    return speed(outcome.timing_before, outcome.timing_after)


def _accuracy(outcome: Outcome, joint: str) -> str:
    before, after = outcome.score_before, outcome.score_after
    if after is None:
        return " than the dense network; not trained, so nothing is known of its accuracy"
    if before is None:
        return (f"{joint}{100 * after.accuracy:.1f} % accurate (test, n = {after.n}); "
                "no dense network was trained to compare with")
    return f"{joint}{compared(before, after, 'the dense network')}"
