"""What came out, in one sentence a person can repeat: no gain is claimed that the measurement does not carry."""

from __future__ import annotations

from dataclasses import dataclass

from worker.profiling.stopwatch import Timing, faster

SAME = 1.005


@dataclass(frozen=True)
class Outcome:
    """A pruned network beside its dense parent; accuracies are fractions of `n` test images, none where unknown."""

    params_before: int
    params_after: int
    timing_before: Timing
    timing_after: Timing
    zeros: float | None = None
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    n: int = 0

    @property
    def smaller(self) -> float:
        return self.params_before / self.params_after


def sentence(outcome: Outcome) -> str:
    return f"{gains(outcome)}{_accuracy(outcome, ', ' if outcome.zeros is None else '; ')}"


def gains(outcome: Outcome) -> str:
    """The part of the sentence that is known before training."""
    both = f"{_size(outcome.smaller)}, {_speed(outcome)}"
    return both if outcome.zeros is None else _masked(outcome, outcome.zeros, both)


def _masked(outcome: Outcome, share: float, both: str) -> str:
    zeros = f"{100 * share:.1f} % of the weights are zero"
    if outcome.smaller >= SAME:
        return f"{zeros}; without the channels they left empty it is {both}"
    return (f"{zeros}, but the network is no smaller and {_speed(outcome)}: zeros that leave no channel empty are "
            "stored and multiplied like every other weight")


def _size(ratio: float) -> str:
    return f"{_times(ratio)} smaller" if ratio >= SAME else "no smaller"


def _speed(outcome: Outcome) -> str:
    ratio = faster(outcome.timing_before, outcome.timing_after)
    if ratio is None:
        return "no faster"
    doubt = " (noisy timing)" if outcome.timing_before.noise or outcome.timing_after.noise else ""
    return f"{_times(ratio)} faster{doubt}" if ratio > 1 else f"{_times(1 / ratio)} slower{doubt}"


def _times(ratio: float) -> str:
    return f"{ratio:.1f}x" if ratio >= 1.1 else f"{ratio:.2f}x"


def _accuracy(outcome: Outcome, joint: str) -> str:
    if outcome.accuracy_after is None:
        return " than the dense network; not trained, so nothing is known of its accuracy"
    tested = f"(test, n = {outcome.n})"
    if outcome.accuracy_before is None:
        alone = "no dense network was trained to compare with"
        return f"{joint}{100 * outcome.accuracy_after:.1f} % accurate {tested}; {alone}"
    points = 100 * (outcome.accuracy_after - outcome.accuracy_before)
    if abs(points) < 0.05:
        return f"{joint}as accurate as the dense network {tested}"
    side = "more" if points > 0 else "less"
    return f"{joint}{abs(points):.1f} points {side} accurate than the dense network {tested}"
