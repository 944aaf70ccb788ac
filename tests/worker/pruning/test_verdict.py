"""The verdict claims what the measurement carries, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from worker.profiling.stopwatch import Timing
from worker.pruning.recalibration import Effect
from worker.pruning.verdict import Outcome, sentence
from worker.training.accuracy import Score


def timing(ms: float, spread: float = 0.01) -> Timing:
    samples = np.linspace(ms * (1 - spread), ms * (1 + spread), 41) * 1e6
    return Timing(samples.astype(np.int64), 1.0, 1.0)


def outcome(**changes: Any) -> Outcome:
    usual = {"params_before": 16_100, "params_after": 1_000, "timing_before": timing(3.4), "timing_after": timing(1.0),
             "score_before": Score(352, 360), "score_after": Score(325, 360)}
    return Outcome(**(usual | changes))


def test_a_narrow_network() -> None:
    assert sentence(outcome()) == ("16.1× smaller, 3.4× faster, 7.5 points less accurate than the dense network "
                                   "(test, n = 360)")


def test_a_difference_within_the_intervals_is_no_faster() -> None:
    assert "no faster" in sentence(outcome(timing_before=timing(1.02, 0.05), timing_after=timing(1.0, 0.05)))


def test_a_noisy_timing_is_called_so() -> None:
    noisy = Timing(timing(3.4).samples_ns, 1.5, 1.0)
    assert "3.4× faster (noisy timing)" in sentence(outcome(timing_before=noisy))


def test_slower_is_said() -> None:
    assert "2.0× slower" in sentence(outcome(timing_before=timing(1.0), timing_after=timing(2.0)))


def test_zeros_that_bring_nothing() -> None:
    said = sentence(outcome(params_after=16_100, timing_after=timing(3.4), zeros=0.875))
    assert said.startswith("87.5 % of the weights are zero, but the network is no smaller and no faster: ")


def test_zeros_that_emptied_channels() -> None:
    said = sentence(outcome(params_after=8_050, zeros=0.99))
    assert said.startswith("99.0 % of the weights are zero; without the channels they left empty the network is 2.0× smaller")


def test_without_training_nothing_is_said_about_accuracy() -> None:
    said = sentence(outcome(score_before=None, score_after=None))
    assert "points" not in said and "nothing is known of its accuracy" in said


def test_without_a_reference_the_accuracy_stands_alone() -> None:
    assert "90.3 % accurate (test, n = 360); no dense network" in sentence(outcome(score_before=None))


def test_equal_accuracy_is_called_equal() -> None:
    assert "as accurate as the dense network (test, n = 360)" in sentence(outcome(score_after=Score(352, 360)))


def test_a_difference_that_chance_explains_is_within_the_noise() -> None:
    said = sentence(outcome(score_after=Score(350, 360)))
    assert said.endswith("as accurate as the dense network within the noise (−0.6 points, test, n = 360)")
    assert "within the noise (+0.6 points" in sentence(outcome(score_after=Score(354, 360)))


def test_the_same_difference_on_more_images_is_none_of_chance() -> None:
    said = sentence(outcome(score_before=Score(97_800, 100_000), score_after=Score(97_200, 100_000)))
    assert said.endswith("0.6 points less accurate than the dense network (test, n = 100000)")


def test_a_network_that_nothing_was_taken_from_says_why() -> None:
    said = sentence(outcome(params_after=16_100, timing_after=timing(3.4), untouched="no layer was sparser"))
    assert said.startswith("nothing was made narrower: no layer was sparser; no smaller, no faster, ")


def test_without_training_a_masked_network_is_not_said_to_be_multiplied_more_than_the_dense_one() -> None:
    said = sentence(outcome(params_after=16_100, timing_after=timing(3.4), zeros=0.5, score_before=None, score_after=None))
    assert said.endswith("like every other weight; not trained, so nothing is known of its accuracy")


def test_zeros_that_were_left_in_place_are_said_to_be() -> None:
    said = sentence(outcome(params_after=16_100, timing_after=timing(3.4), zeros=0.97, compact=False))
    assert said.startswith("97.0 % of the weights are zero and were left in place, as asked; the network is no smaller, ")


def test_nearly_all_zeros_are_not_rounded_to_all() -> None:
    assert sentence(outcome(params_after=16_100, zeros=0.9961)).startswith("99.61 % of the weights are zero")


def test_a_network_that_was_only_pruned_says_so() -> None:
    said = sentence(outcome(fine_tuned=False))
    assert said.endswith("7.5 points less accurate than the dense network (test, n = 360), with no training after pruning")


def test_what_new_statistics_did_is_told_of_a_network_that_was_not_trained_on() -> None:
    effect = Effect(Score(36, 360), Score(325, 360))
    told = "; batch-norm statistics computed anew took it from 10.0 % to 90.3 % accurate"
    assert sentence(outcome(fine_tuned=False, effect=effect)).endswith(told)
    assert told not in sentence(outcome(effect=effect))


@pytest.mark.parametrize(("spent", "told"), [
    (2, "2 epochs"), (1.0, "1 epoch"), (5.9777, "6 epochs"), (0.0795, "0.08 epochs"), (360.0, "360 epochs"),
    (2.398, "2.4 epochs"),
])
def test_the_price_of_pruning_is_told_in_epochs(spent: float, told: str) -> None:
    assert sentence(outcome(spent=spent)).endswith(f"; pruning cost as much as {told} of training")


def test_pruning_that_looked_at_nothing_has_no_price() -> None:
    assert "cost" not in sentence(outcome())
