"""An answer of a plan's parts that is no number is never taken for the right one."""

from __future__ import annotations

import math

import numpy as np

from worker.partitioning.slicing.measured import difference

WHOLE = np.array([[1.0, -2.0]], np.float32)


def test_an_answer_with_nan_is_infinitely_far_from_one_without() -> None:
    assert math.isinf(difference(np.array([[1.0, np.nan]], np.float32), WHOLE))


def test_a_whole_network_that_overflows_alike_is_met() -> None:
    over = np.array([[np.inf, 1.0]], np.float32)
    assert difference(over.copy(), over) == 0


def test_numbers_are_compared_by_the_largest() -> None:
    assert difference(np.array([[1.0, -2.5]], np.float32), WHOLE) == 0.25
