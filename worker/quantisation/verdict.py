"""What came out, in one sentence a person can repeat: slower or less accurate is said as plainly as smaller."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from worker.params import Precision
from worker.profiling.comparing import size, speed
from worker.profiling.stopwatch import Timing, faster
from worker.training.accuracy import Score, compared

WHY_SLOWER = {
    "fp16": "this processor has no arithmetic of 16 bits that ONNX Runtime uses, so every result is turned to 32 bits and back",
    "int8": "turning results to 8 bits and back costs more here than the smaller numbers save",
}


@dataclass(frozen=True)
class Outcome:
    """A quantised network beside the fp32 one; both sizes are of the ONNX file, both scores of the test part."""

    precision: Precision
    size_before: int
    size_after: int
    timing_before: Timing
    timing_after: Timing
    score_before: Score
    score_after: Score
    agreement: float
    trained: bool


def sentence(outcome: Outcome) -> str:
    file = size(outcome.size_before / outcome.size_after)
    return f"the file is {file}, the network {_speed(outcome)}; {_accuracy(outcome)}"


def _speed(outcome: Outcome) -> str:
    ratio = faster(outcome.timing_before, outcome.timing_after)
    told = speed(outcome.timing_before, outcome.timing_after)
    if ratio is None or ratio > 1 or (outcome.precision == "fp16" and platform.machine() not in ("x86_64", "AMD64")):
        return told
    return f"{told} ({WHY_SLOWER[outcome.precision]})"


def _accuracy(outcome: Outcome) -> str:
    before, after = outcome.score_before, outcome.score_after
    agree = f"both answer alike on {100 * outcome.agreement:.1f} % of the test images"
    if not after.finite:
        return f"some of its answers are no numbers any more: {outcome.precision} cannot hold what this network computes"
    if not outcome.trained:
        return f"{agree}; the network was not trained, so its accuracy tells nothing (n = {after.n})"
    return f"{compared(before, after, 'the fp32 network')}; {agree}"
