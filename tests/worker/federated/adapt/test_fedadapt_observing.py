"""What the agent sees of a round."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from worker.federated.adapt.knobs import PUBLISHED
from worker.federated.adapt.mapping import Points
from worker.federated.adapt.observing import Observer

POINTS, BASELINE = Points((0.25, 0.5, 1.0)), np.array([8.0, 4.0, 2.0])
LABELS, CUTS, SECONDS, MBPS = (0, 0, 1), (0, 1, 2), [3.0, 1.0, 2.0], [80.0, 20.0, 2.5]


def test_it_sees_the_time_and_the_workload_of_the_slowest_of_each_group() -> None:
    assert Observer(POINTS, 2, PUBLISHED, BASELINE).see(LABELS, CUTS, SECONDS, MBPS).tolist() == [3.0, 2.0, 0.25, 1.0]


def test_times_can_be_seen_as_shares_of_the_baseline() -> None:
    seen = Observer(POINTS, 2, replace(PUBLISHED, relative_times=True), BASELINE).see(LABELS, CUTS, SECONDS, MBPS)
    assert seen.tolist() == [3 / 8, 1.0, 0.25, 1.0]


def test_bandwidths_can_be_seen_in_doublings_of_the_slow_links_threshold() -> None:
    seen = Observer(POINTS, 2, replace(PUBLISHED, bandwidth_seen=True), BASELINE).see(LABELS, CUTS, SECONDS, MBPS)
    assert seen.tolist() == [3.0, 2.0, 0.25, 1.0, 4.0, -1.0]


@pytest.mark.parametrize("mbps", [0.0, float("inf")])
def test_a_link_that_is_down_and_one_without_end_are_numbers_too(mbps: float) -> None:
    seen = Observer(POINTS, 1, replace(PUBLISHED, bandwidth_seen=True), BASELINE[:1]).see((0,), (2,), [8.0], [mbps])
    assert np.isfinite(seen).all()


def test_an_empty_group_is_seen_as_zeros_at_first_and_then_as_it_was_last() -> None:
    observer = Observer(POINTS, 3, PUBLISHED, BASELINE)
    assert observer.see(LABELS, CUTS, SECONDS, MBPS).tolist() == [3.0, 2.0, 0.0, 0.25, 1.0, 0.0]
    assert observer.see((0, 2, 1), CUTS, [5.0, 1.5, 2.0], MBPS).tolist() == [5.0, 2.0, 1.5, 0.25, 1.0, 0.5]
    assert observer.see(LABELS, (2, 2, 2), [8.0, 4.0, 2.0], MBPS).tolist() == [8.0, 2.0, 1.5, 1.0, 1.0, 0.5]
