"""Schedules fall to what is asked, and no further."""

from __future__ import annotations

import pytest

from worker.sparsity.schedules import exponential, linear, one_shot


@pytest.mark.parametrize("schedule", [exponential, linear])
def test_the_last_round_is_exactly_what_was_asked(schedule: object) -> None:
    assert callable(schedule) and schedule(0.1, 7)[-1] == 0.1


@pytest.mark.parametrize("schedule", [exponential, linear])
def test_every_round_leaves_less(schedule: object) -> None:
    assert callable(schedule)
    densities = schedule(0.05, 9)
    assert all(later < earlier for earlier, later in zip([1.0, *densities], densities, strict=False))


def test_exponential_equals_removing_the_same_part_of_the_survivors_each_round() -> None:
    left, part, total = 1_000_000, 1 - 0.02 ** (1 / 12), 1_000_000
    for density in exponential(0.02, 12):
        left = left - part * left
        assert abs(left - density * total) <= 1


def test_one_shot_is_one_round() -> None:
    assert one_shot(0.125) == [0.125]
