"""What came out, in one sentence a person can repeat: slower or less accurate is said as plainly as smaller."""

from __future__ import annotations

from dataclasses import dataclass

from worker.params import Precision
from worker.profiling.comparing import size, speed
from worker.profiling.stopwatch import Timing, faster
from worker.training.accuracy import Score, compared


@dataclass(frozen=True)
class Outcome:
    """A quantised network beside the fp32 one; both sizes are of the ONNX file, both scores of the test part.

    `why_slower` and `doubt` are what the quantiser said of itself.
    """

    precision: Precision
    size_before: int
    size_after: int
    timing_before: Timing
    timing_after: Timing
    score_before: Score
    score_after: Score
    agreement: float
    trained: bool
    why_slower: str = ""
    doubt: str = ""


def sentence(outcome: Outcome) -> str:
    file = size(outcome.size_before / outcome.size_after)
    doubt = f"; {outcome.doubt}" if outcome.doubt else ""
    return f"the ONNX file is {file}, the network {_speed(outcome)}; {_accuracy(outcome)}{doubt}"


def _speed(outcome: Outcome) -> str:
    told, ratio = speed(outcome.timing_before, outcome.timing_after), faster(outcome.timing_before, outcome.timing_after)
    slow = ratio is None or ratio < 1
    return f"{told} ({outcome.why_slower})" if slow and outcome.why_slower else told


def _accuracy(outcome: Outcome) -> str:
    before, after = outcome.score_before, outcome.score_after
    agree = f"both answer alike on {100 * outcome.agreement:.1f} % of the test images"
    if not after.finite:
        return f"some of its answers are no numbers any more: {outcome.precision} cannot hold what this network computes"
    if not outcome.trained:
        return f"{agree}; the network was not trained, so its accuracy tells nothing (n = {after.n})"
    return f"{compared(before, after, 'the fp32 network')}; {agree}"
