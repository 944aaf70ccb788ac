"""What a round is worth against the baseline without offloading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.federated.adapt.reward import done, reward, rewards

SECONDS = st.floats(1e-3, 1e3)


@pytest.mark.parametrize("seconds, worth", [(8.0, 0.0), (4.0, 0.5), (16.0, -0.5), (2.0, 0.75), (32.0, -0.75)])
def test_half_the_time_is_worth_half_and_twice_the_time_costs_half(seconds: float, worth: float) -> None:
    assert rewards([seconds], [8.0]).tolist() == [worth]


@given(SECONDS, SECONDS)
def test_what_is_won_one_way_is_lost_the_other_way(one: float, other: float) -> None:
    assert float(rewards([one], [other])[0]) == pytest.approx(-float(rewards([other], [one])[0]))
    assert abs(float(rewards([one], [other])[0])) < 1


@given(SECONDS, SECONDS, SECONDS)
def test_faster_is_never_worth_less(one: float, other: float, baseline: float) -> None:
    fast, slow = sorted([one, other])
    assert rewards([fast], [baseline])[0] >= rewards([slow], [baseline])[0]


def test_a_round_is_worth_the_sum_over_its_clients() -> None:
    assert reward([4.0, 2.0, 3.0], [8.0, 1.0, 3.0]) == 0.0
    assert reward([2.0, 1.0], [8.0, 2.0]) == 1.25


def test_an_episode_ends_when_the_slowest_client_is_no_faster_than_the_slowest_was() -> None:
    assert not done([7.9, 7.9], [8.0, 1.0])
    assert done([8.0, 1.0], [8.0, 1.0])
    assert done([1.0, 9.0], [8.0, 1.0])
