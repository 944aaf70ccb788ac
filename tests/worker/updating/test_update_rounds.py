"""When images come and when a round begins anew."""

from __future__ import annotations

import pytest

from worker.updating.rounds import Doubling, images_by_round


@pytest.mark.parametrize("first, more, anew", [
    (1000, 1000, [1000, 3000, 7000, 15000, 31000]), (100, 100, [100, 300, 700, 1500, 3100, 6300, 12700, 25500]),
    (1000, 4000, [1000, 5000, 13000, 29000]), (5000, 1000, [5000, 11000, 23000]), (1000, 500, [1000, 2500, 5500, 11500, 23500]),
])
def test_a_round_begins_anew_once_the_images_are_more_than_twice_those_of_the_last_beginning(
    first: int, more: int, anew: list[int],
) -> None:
    doubling = Doubling()
    assert [count for count in images_by_round(first, more, 1000, 32_000) if doubling.due(count)] == anew


def test_exactly_twice_is_not_more_than_twice() -> None:
    doubling = Doubling()
    assert [doubling.due(count) for count in (10, 20, 21, 42, 43)] == [True, False, True, False, True]


def test_the_last_round_takes_what_is_left_and_no_round_comes_without_new_images() -> None:
    assert images_by_round(100, 60, 10, 250) == [100, 160, 220, 250]
    assert images_by_round(250, 60, 10, 250) == [250]
    assert images_by_round(100, 60, 2, 250) == [100, 160]


def test_fewer_images_than_the_first_round_needs_are_refused_with_both_numbers() -> None:
    with pytest.raises(ValueError, match="needs 300 training images; the data set has 250"):
        images_by_round(300, 10, 5, 250)
