"""An action leads to the offloading point whose share of the work is nearest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.federated.adapt.fedadapt_lab import VGG5
from worker.federated.adapt.mapping import Points, nearest, spread


@pytest.mark.parametrize("action, point", [
    (0.0, 1), (0.1042, 1), (0.3821, 1), (0.3822, 3), (0.66, 3), (0.7990, 3), (0.7992, 4), (0.9, 4), (0.9689, 4),
    (0.9690, 6), (1.0, 6)])
def test_of_vgg5_the_thresholds_are_the_published_ones(action: float, point: int) -> None:
    assert nearest(VGG5, action) == point


@pytest.mark.parametrize("action, point", [(-0.2, 1), (-1e9, 1), (-np.inf, 1), (1.3, 6), (1e9, 6), (np.inf, 6)])
def test_beyond_the_ends_an_action_means_the_end(action: float, point: int) -> None:
    assert nearest(VGG5, action) == point


def test_of_vgg5_four_points_can_be_reached() -> None:
    assert VGG5.reachable == (1, 3, 4, 6)
    assert set(nearest(VGG5, np.linspace(-1, 2, 3001)).tolist()) == {1, 3, 4, 6}


def test_of_equally_near_points_the_last_is_taken() -> None:
    points = Points((0.25, 0.25, 0.75, 0.75, 1.0))
    assert nearest(points, [0.25, 0.5, 0.875]).tolist() == [1, 3, 4]


def test_from_which_share_on_nothing_is_offloaded_can_be_said() -> None:
    shares = (0.5, 0.9, 0.95, 1.0)
    assert Points(shares, native_from=0.95).reachable == (0, 1, 3)
    assert Points(shares, native_from=1.0).reachable == (0, 1, 2, 3)
    assert nearest(Points(shares, native_from=0.9), 0.8) == 3


def test_actions_keep_their_shape() -> None:
    assert nearest(VGG5, [[0.0, 0.6], [0.9, 1.0]]).tolist() == [[1, 3], [4, 6]]


def test_each_client_goes_where_its_group_goes() -> None:
    assert spread([0.0, 1.0, 0.7], [0, 0, 2, 1, 0], VGG5) == (1, 1, 3, 6, 1)


@given(st.lists(st.floats(0.01, 1), max_size=8), st.floats(-3, 3), st.floats(-3, 3))
def test_a_larger_action_never_keeps_less_on_the_device(shares: list[float], one: float, other: float) -> None:
    points = Points((*sorted(shares), 1.0))
    low, high = nearest(points, sorted([one, other])).tolist()
    assert low <= high
    assert low in points.reachable


@given(st.lists(st.floats(0.01, 0.98), min_size=1, max_size=8), st.floats(-3, 3))
def test_no_point_is_nearer_than_the_one_that_is_taken(shares: list[float], action: float) -> None:
    points = Points((*sorted(shares), 1.0))
    away = [abs(share - min(max(action, 0), 1)) for share in points.shares]
    assert away[int(nearest(points, action))] == min(away)


@pytest.mark.parametrize("shares", [(), (0.5,), (0.6, 0.5, 1.0), (-0.1, 1.0), (0.5, 1.2), (float("nan"), 1.0)])
def test_shares_that_are_none_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="Shares of work"):
        Points(shares)


def test_an_action_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        nearest(VGG5, [0.5, float("nan")])
