"""Clients of like speed are one group; a slow link puts a client into a group apart for as long as it is slow."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.federated.adapt.grouping import clusters_of, grouped, representatives

LAB = [3.8, 3.8, 6.1, 6.1, 0.15]


def inertia(values: list[float], labels: list[int]) -> float:
    found = np.array(values)
    parts = [found[[each == label for each in labels]] for label in set(labels)]
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts))


def test_the_slowest_clients_are_the_first_group() -> None:
    assert grouped(LAB, 3, None).by_time == (1, 1, 0, 0, 2)


def test_with_a_group_for_slow_links_one_less_is_left_for_speed() -> None:
    assert grouped(LAB, 3).by_time == (0, 0, 0, 0, 1)


def test_below_the_threshold_a_client_is_in_the_last_group_and_back_when_it_recovers() -> None:
    groups = grouped(LAB, 3)
    assert groups.now([75, 75, 75, 4.99, 75]) == (0, 0, 0, 2, 1)
    assert groups.now([75, 75, 75, 5.0, 75]) == (0, 0, 0, 0, 1)
    assert groups.now([0, 1, 2, 3, 4]) == (2, 2, 2, 2, 2)
    assert groups.now([75] * 5) == (0, 0, 0, 0, 1)


def test_the_threshold_can_be_another_one() -> None:
    assert grouped(LAB, 3, 20.0).now([75, 19, 75, 75, 75]) == (0, 2, 0, 0, 1)


def test_without_a_threshold_bandwidth_changes_no_group() -> None:
    assert grouped(LAB, 3, None).now([0.1] * 5) == (1, 1, 0, 0, 2)


def test_clients_that_are_all_alike_are_one_group() -> None:
    assert grouped([2.0] * 4, 3, None).by_time == (0, 0, 0, 0)


def test_more_groups_than_clients_leave_some_empty() -> None:
    assert grouped([1.0, 3.0], 4, None).by_time == (1, 0)


@pytest.mark.parametrize("count, slow, least", [(1, 5.0, 2), (0, 5.0, 2), (0, None, 1)])
def test_a_group_for_speed_there_must_be(count: int, slow: float | None, least: int) -> None:
    with pytest.raises(ValueError, match=f"At least {least} groups"):
        grouped(LAB, count, slow)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), st.integers(1, 3))
def test_no_other_clusters_are_tighter(values: list[float], count: int) -> None:
    found = inertia(values, clusters_of(values, count).tolist())
    least = min(inertia(values, list(labels)) for labels in product(range(count), repeat=len(values)))
    assert found <= least + 1e-9 * (1 + max(values)) ** 2


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20), st.integers(1, 6))
def test_clusters_are_stretches_of_the_sorted_times_and_equal_times_are_together(values: list[float], count: int) -> None:
    labels = clusters_of(values, count).tolist()
    pairs = sorted(zip(values, labels, strict=True))
    assert [label for _, label in pairs] == sorted(labels)
    assert len(set(pairs)) == len(set(values))
    assert sorted(set(labels)) == list(range(min(count, len(set(values)))))


@given(st.permutations(range(5)))
def test_the_order_of_the_clients_changes_no_group(order: list[int]) -> None:
    turned = grouped([LAB[client] for client in order], 3, None).by_time
    assert turned == tuple(grouped(LAB, 3, None).by_time[client] for client in order)


def test_a_group_is_represented_by_its_slowest_client() -> None:
    assert representatives((0, 0, 1, 1), [1.0, 2.0, 5.0, 4.0], 2) == (1, 2)


def test_an_empty_group_is_represented_by_nobody() -> None:
    assert representatives((1, 1), [1.0, 2.0], 3) == (None, 1, None)
