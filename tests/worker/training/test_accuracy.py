"""Accuracy comes with how many images it stands on, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from worker.datasets import Data
from worker.events import Measured
from worker.training.accuracy import Score, difference, judged


def test_wilsons_interval_agrees_with_the_textbook() -> None:
    low, high = Score(9, 10).interval
    assert (low, high) == pytest.approx((0.5958, 0.9821), abs=1e-4)


@pytest.mark.parametrize("correct", [0, 1, 180, 359, 360])
def test_the_interval_encloses_the_accuracy_and_stays_a_fraction(correct: int) -> None:
    score = Score(correct, 360)
    low, high = score.interval
    assert 0 <= low <= score.accuracy <= high <= 1


def test_a_test_names_data_set_split_and_n(fresh: Callable[[], torch.fx.GraphModule], digits: Data) -> None:
    said = [event for event in judged(fresh(), digits, "net") if isinstance(event, Measured)]
    assert len(said) == 1
    assert (said[0].dataset, said[0].split, said[0].n, said[0].unit) == ("digits", "test", 360, "fraction")
    assert said[0].low is not None and said[0].high is not None and said[0].low <= said[0].value <= said[0].high


def test_newcombes_interval_of_a_difference_agrees_with_the_paper() -> None:
    """Newcombe 1998, example (a): 56 of 70 against 48 of 80."""
    assert difference(Score(48, 80), Score(56, 70)) == pytest.approx((0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 360), (360, 0), (360, 360), (180, 190)])
def test_the_interval_of_a_difference_encloses_it_and_turns_round_with_it(before: int, after: int) -> None:
    one, two = Score(before, 360), Score(after, 360)
    low, high = difference(one, two)
    assert low <= two.accuracy - one.accuracy <= high
    assert difference(two, one) == pytest.approx((-high, -low))
