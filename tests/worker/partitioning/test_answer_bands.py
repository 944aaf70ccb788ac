"""Who wins where, in the numbers of the range: whole, without gaps, and the best at every place."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.worker.partitioning import answer_cases as cases
from worker.partitioning.answering import answer
from worker.planning import Question


def there(question: Question, value: float) -> Question:
    """The same, asked where the link, or all of them, have changed so."""
    wanted = question.range
    assert wanted is not None
    field = "latency_ms" if wanted.varying == "latency" else "bandwidth_mbps"

    def changed(road: Any) -> Any:
        if not wanted.sender:
            return road.model_copy(update={field: getattr(road, field) * value})
        is_it = (road.sender, road.receiver) == (wanted.sender, wanted.receiver)
        return road.model_copy(update={field: value}) if is_it else road

    return question.model_copy(update={"roads": tuple(map(changed, question.roads)), "range": None, "count": 100})


@pytest.mark.parametrize("varying", ["bandwidth", "latency"])
@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_every_band_is_won_by_its_plan_and_the_range_is_covered(seed: int, varying: str, one: bool) -> None:
    given = cases.problem(700 + seed)
    question, profiles = cases.asked_of(given)
    road = question.roads[0] if question.roads else None
    low, high = (0.5, 400) if one and road else (0.05, 20)
    link = {"sender": road.sender, "receiver": road.receiver} if one and road else {}
    question, profiles = cases.asked_of(given, range={"varying": varying, "low": low, "high": high, **link})
    found = answer(question, profiles)
    assert (found.bands[0].low, found.bands[-1].high) == (low, high)
    assert all(one.high == other.low and one.plan.key != other.plan.key for one, other in pairwise(found.bands))
    for band in found.bands:
        for value in np.geomspace(band.low, band.high, 4):
            plans = {plan.key: plan.latency_ms for plan in answer(there(question, float(value)), profiles).plans}
            assert band.plan.key not in plans or plans[band.plan.key] == pytest.approx(min(plans.values()), abs=1e-4)
            assert plans and (len(plans) == 100 or band.plan.key in plans)


def test_by_hand_in_the_links_own_megabits_and_the_present_ones_band_stays() -> None:
    """pi 500 ms; the cut 140 ms and 0.1 MB: as fast at 0.1 / 0.36 MB/s = 2.22 Mbit/s. rack alone 50 ms and 0.6 MB: at 44.4."""
    question, profiles = cases.two([[0.1, 0.4], [0.01, 0.04]], [600_000, 100_000, 10_000],
                                   range={"sender": "pi", "receiver": "rack", "low": 1, "high": 1000})
    found = answer(question, profiles)
    assert [(band.plan.key, round(band.low, 3), round(band.high, 3)) for band in found.bands] == [
        ("2@pi", 1, 2.222), ("1@pi/2@rack", 2.222, 44.444), ("2@rack", 44.444, 1000)]
    assert found.stays == found.bands[1] and found.stays.plan == found.plans[0]
    assert found.bands[2].plan.latency_ms == pytest.approx(650)  # over the link as it is


def test_a_links_own_milliseconds_vary_from_its_present_ones_even_from_none() -> None:
    """Now no wait: the cut takes 240 ms. It pays until it waits 260 ms, when pi alone is as fast."""
    question, profiles = cases.two([[0.1, 0.4], [0.01, 0.04]], [600_000, 100_000, 10_000],
                                   range={"varying": "latency", "sender": "pi", "receiver": "rack", "low": 1, "high": 1000})
    found = answer(question, profiles)
    assert [(band.plan.key, round(band.low), round(band.high)) for band in found.bands] == [
        ("1@pi/2@rack", 1, 260), ("2@pi", 260, 1000)]
    assert found.stays is not None and found.stays.high == pytest.approx(260)


def test_outside_of_the_range_the_present_plan_stays_only_where_it_wins_the_ranges_end() -> None:
    for low, high, stays in ((10, 100, (10, 44)), (50, 100, None), (0.5, 4, (2, 4)), (0.5, 1, None)):
        question, profiles = cases.two([[0.1, 0.4], [0.01, 0.04]], [600_000, 100_000, 10_000],
                                       range={"sender": "pi", "receiver": "rack", "low": low, "high": high})
        found = answer(question, profiles).stays
        assert (found and (round(found.low), round(found.high))) == stays


def test_links_change_nothing_of_bytes_and_throughput_says_that_it_has_no_bands() -> None:
    wanted = {"low": 0.1, "high": 10}
    question, profiles = cases.two([[0.1], [0.01]], [6, 1], objective="bytes", range=wanted)
    found = answer(question, profiles)
    assert [(band.low, band.high, band.plan) for band in found.bands] == [(0.1, 10, found.plans[0])] and found.stays
    none = answer(question.model_copy(update={"objective": "throughput"}), profiles)
    assert (none.bands, none.stays) == ((), None) and "not for throughput" in none.warnings[-1]
