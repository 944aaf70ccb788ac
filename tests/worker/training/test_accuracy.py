"""Accuracy comes with how many images it stands on, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from worker.datasets import Data
from worker.events import Measured
from worker.training.accuracy import Score, commonest, compared, difference, guessing, judged


def test_wilsons_interval_agrees_with_the_textbook() -> None:
    low, high = Score(9, 10).interval
    assert (low, high) == pytest.approx((0.5958, 0.9821), abs=1e-4)


@pytest.mark.parametrize("correct", [0, 1, 180, 359, 360])
def test_the_interval_encloses_the_accuracy_and_stays_a_fraction(correct: int) -> None:
    score = Score(correct, 360)
    low, high = score.interval
    assert 0 <= low <= score.accuracy <= high <= 1


@pytest.mark.parametrize(("correct", "most", "told"), [
    (0, 0.1, "guessing among 10 classes"), (10, 0.1, "guessing among 10 classes"), (36, 0.1, "guessing among 10 classes"),
    (60, 0.1, ""), (180, 0.5, "always naming the commonest class"), (100, 0.5, "always naming the commonest class"),
    (210, 0.5, ""), (360, 0.1, ""),
])
def test_guessing_is_called_so_whether_by_lot_or_by_the_commonest_class_or_worse(correct: int, most: float, told: str) -> None:
    assert guessing(Score(correct, 360), 10, most) == (f"no better than {told}" if told else "")


def test_the_commonest_class_is_that_of_the_test_part(digits: Data) -> None:
    some = replace(digits.parts["test"], labels=torch.tensor([3, 3, 3, 1]))
    assert commonest(replace(digits, parts={**digits.parts, "test": some})) == 0.75
    assert 0.1 <= commonest(digits) < 0.15


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


def test_of_few_images_the_interval_of_the_difference_is_told() -> None:
    assert compared(Score(12, 12), Score(3, 12), "the dense network") == (
        "75.0 points less accurate than the dense network (95 % −91.1 to −37.8 points, test, n = 12)")
    assert compared(Score(6, 12), Score(5, 12), "it").startswith("as accurate as it within the noise (−8.3 points, 95 % −")
    assert "95 %" in compared(Score(6, 12), Score(6, 12), "it") and "95 %" not in compared(Score(60, 100), Score(6, 100), "it")
