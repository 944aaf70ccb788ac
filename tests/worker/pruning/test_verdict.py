"""The verdict claims what the measurement carries, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np

from worker.profiling.stopwatch import Timing
from worker.pruning.verdict import Outcome, sentence


def timing(ms: float, spread: float = 0.01) -> Timing:
    samples = np.linspace(ms * (1 - spread), ms * (1 + spread), 41) * 1e6
    return Timing(samples.astype(np.int64), 1.0, 1.0)


def outcome(**changes: Any) -> Outcome:
    usual = {"params_before": 16_100, "params_after": 1_000, "timing_before": timing(3.4), "timing_after": timing(1.0),
             "accuracy_before": 0.98, "accuracy_after": 0.976, "n": 360}
    return Outcome(**(usual | changes))


def test_a_narrow_network() -> None:
    assert sentence(outcome()) == ("16.1x smaller, 3.4x faster, 0.4 points less accurate than the dense network "
                                   "(test, n = 360)")


def test_a_difference_within_the_intervals_is_no_faster() -> None:
    assert "no faster" in sentence(outcome(timing_before=timing(1.02, 0.05), timing_after=timing(1.0, 0.05)))


def test_a_noisy_timing_is_called_so() -> None:
    noisy = Timing(timing(3.4).samples_ns, 1.5, 1.0)
    assert "3.4x faster (noisy timing)" in sentence(outcome(timing_before=noisy))


def test_slower_is_said() -> None:
    assert "2.0x slower" in sentence(outcome(timing_before=timing(1.0), timing_after=timing(2.0)))


def test_zeros_that_bring_nothing() -> None:
    said = sentence(outcome(params_after=16_100, timing_after=timing(3.4), zeros=0.875))
    assert said.startswith("87.5 % of the weights are zero, but the network is no smaller and no faster: ")


def test_zeros_that_emptied_channels() -> None:
    said = sentence(outcome(params_after=8_050, zeros=0.99))
    assert said.startswith("99.0 % of the weights are zero; without the channels they left empty it is 2.0x smaller")


def test_without_training_nothing_is_said_about_accuracy() -> None:
    said = sentence(outcome(accuracy_before=None, accuracy_after=None))
    assert "points" not in said and "nothing is known of its accuracy" in said


def test_without_a_reference_the_accuracy_stands_alone() -> None:
    assert "97.6 % accurate (test, n = 360); no dense network" in sentence(outcome(accuracy_before=None))


def test_equal_accuracy_is_called_equal() -> None:
    assert "as accurate as the dense network" in sentence(outcome(accuracy_after=0.98))
