"""What a run says: words and bands that follow from what was measured, and files that hold every second and every swap."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from worker.context import Context
from worker.events import Log, Measured, Metric
from worker.switching import telling, verdict
from worker.switching.asked import LEAST_DEADLINE_MS, Asked, Network
from worker.switching.bands import over_deadlines, over_loads
from worker.switching.policy import Candidate, Knobs
from worker.switching.records import Record, Row, Swap, class_of, percentile
from worker.switching.traces import MOST_ARRIVALS, MOST_REQUESTS, Second

OF = [Network("large", "l", "lp", "l", 0.9, 360, 100, 100, 90, 10, 10),
      Network("small", "s", "sp", "sd", 0.7, 360, 20, 100, 5, 2, 2)]
MEMORY = {"empty_bytes": 40_000_000, "steady_bytes": 90_000_000, "peak_bytes": 150_000_000}
FAST, SLOW = Candidate("small", 0.7, 2.0, 20), Candidate("large", 0.9, 10.0, 100)


def record(way: str, in_time: dict[str, int], arrived: int = 100, *, overheads: tuple[float, ...] = ()) -> Record:
    row = Row(0, arrived=arrived)
    row.in_time.update(in_time)
    row.answered.update(in_time)
    swaps = [Swap(0, "T1", "large", "small", 1.0, 1, overhead) for overhead in overheads]
    return Record(way, [row], swaps, dict(MEMORY))


def test_the_verdict_tells_what_switching_gains_against_the_best_fixed_network_and_what_it_costs() -> None:
    said = verdict.verdict([record("switching", {"large": 60, "small": 40}, overheads=(3.0, 5.0, 40.0)),
                            record("fixed: large", {"large": 70}), record("fixed: small", {"small": 100})], OF)
    assert said == ("100.0 % of 100 requests answered in time, effective accuracy 82.0 %; 12.0 points more than small alone, the "
                    "best fixed network; 3 swaps at 5 ms each (median)")


def test_it_says_as_plainly_when_one_network_alone_does_better() -> None:
    said = verdict.verdict([record("switching", {"large": 30, "small": 30}), record("fixed: small", {"small": 100}),
                            record("fixed: large", {"large": 10})], OF)
    assert "22.0 points less than small alone, the best fixed network" in said and "one network served all the while" in said


def test_a_difference_too_small_to_speak_of_is_none() -> None:
    said = verdict.verdict([record("switching", {"small": 100}), record("fixed: small", {"small": 100})], OF)
    assert "no better or worse than small alone" in said


def test_where_one_network_answered_nearly_all_nothing_is_called_an_effect_of_switching() -> None:
    said = verdict.verdict([record("switching", {"small": 95, "large": 1}), record("fixed: small", {"small": 60})], OF)
    assert ("small alone, the best fixed network, reached 42.0 %, but it also gave 99 % of the answers here: the difference "
            "comes from the device, not from switching") in said
    assert "points more" not in said


def test_networks_without_room_are_told_also_where_they_stand_alone() -> None:
    felt = verdict.Felt({"large": 6, "small": 2}, 60, 1.0)
    said = verdict.verdict([record("switching", {"small": 50}), record("fixed: large", {"large": 90})], OF, felt)
    assert "less than large alone, the best fixed network, for which 6 of 60 s had no room" in said
    assert "in 2 of 60 s no network had room, and small served all the same" in said
    assert "one network served all the while" in said and "no change of network was needed" not in said


@pytest.mark.parametrize(("slower", "is_noisy"), [(None, False), (1.1, False), (0.9, False), (2.2, True), (0.4, True)])
def test_times_unlike_those_that_networks_were_chosen_by_are_called_noisy(slower: float | None, is_noisy: bool) -> None:
    said = verdict.verdict([record("switching", {"small": 100})], OF, verdict.Felt(slower=slower))
    assert ("noisy: computing took" in said) == is_noisy


@pytest.mark.parametrize(("took_ms", "alone_ms", "times"), [(0.2, 0.01, 1.0), (1.9, 1.0, 1.0), (2.1, 1.0, 2.1), (40.0, 10.0, 4.0),
                                                            (9.5, 10.0, 1.0), (5.0, 10.0, 0.5)])
def test_a_network_of_microseconds_is_not_called_slow_for_what_waking_up_takes(took_ms: float, alone_ms: float,
                                                                               times: float) -> None:
    assert verdict.slowed(took_ms, alone_ms) == times


def test_what_dense_networks_cost_stands_beside() -> None:
    said = verdict.verdict([record("switching", {"small": 100}, overheads=(4.0,)),
                            record("switching, dense size reloaded", {"small": 100}, overheads=(120.0,))], OF)
    assert said.endswith("switching, dense size reloaded: 120 ms a swap, 90 MB held, here 90 MB")


def test_a_trace_without_requests_breaks_nothing() -> None:
    assert "0.0 % of 0 requests" in verdict.verdict([Record("switching", [Row(0)])], OF)


@pytest.mark.parametrize(("of", "edge"), [(over_loads, "load"), (over_deadlines, "deadline")])
def test_bands_go_from_an_eighth_to_eight_times_without_a_gap(of: object, edge: str) -> None:
    bands = of([SLOW, FAST], Knobs(margin=0.25), Second(40.0, 25.0), 0)  # type: ignore[operator]
    assert bands[0].low == 0.125 and bands[-1].high == 8.0
    assert all(one.high == other.low and one.name != other.name for one, other in pairwise(bands))


def test_the_band_over_loads_ends_where_requests_come_faster_than_they_are_computed() -> None:
    """12.5 ms with the margin are 80 requests a second: twice as many as there are."""
    first, *_ = over_loads([SLOW, FAST], Knobs(margin=0.25), Second(40.0, 100.0), 0)
    assert first.name == "large" and first.high == pytest.approx(2.0, rel=0.02)


def test_the_band_over_deadlines_begins_where_the_accurate_one_keeps_them() -> None:
    *_, last = over_deadlines([SLOW, FAST], Knobs(margin=0.25), Second(1.0, 25.0), 0)
    assert last.name == "large" and last.low == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("ms", [0.01, 0.5, 3.0, 250.0, 90_000.0])
def test_a_latency_is_kept_within_a_hundredth(ms: float) -> None:
    assert percentile({class_of(ms): 5}, 0.95) == pytest.approx(ms, rel=0.0101)


def test_percentiles_are_those_of_all_that_was_counted() -> None:
    counts = {class_of(float(each)): 1 for each in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)}
    assert percentile(counts, 0.5) == pytest.approx(16, rel=0.02) and percentile({}, 0.5) is None


def test_where_nothing_is_said_load_and_deadline_fit_the_networks() -> None:
    asked = Asked("disk", "steady", "", 5, 0.0, 0.0, 4.0, 3.0, Knobs(), "none", 7)
    (row, *_) = asked.trace([SLOW, FAST])
    assert (row.arrivals_per_s, row.deadline_ms) == (50.0, 40.0)


def test_a_deadline_fits_tiny_networks_only_down_to_what_a_busy_machine_takes_for_itself() -> None:
    tiny = [replace(SLOW, latency_ms=0.2), replace(FAST, latency_ms=0.05)]
    (row, *_) = Asked("disk", "steady", "", 5, 0.0, 0.0, 4.0, 3.0, Knobs(), "none", 7).trace(tiny)
    assert row.deadline_ms == LEAST_DEADLINE_MS == 20.0
    (row, *_) = Asked("disk", "steady", "", 5, 0.0, 0.7, 4.0, 3.0, Knobs(), "none", 7).trace(tiny)
    assert row.deadline_ms == 0.7, "what was typed stands"


@pytest.mark.parametrize("seconds", [5, 3600])
def test_a_load_fits_tiny_networks_only_up_to_what_may_be_typed(seconds: int) -> None:
    tiny = [replace(SLOW, latency_ms=0.01)]
    rows = Asked("disk", "burst", "", seconds, 0.0, 0.0, 4.0, 3.0, Knobs(), "none", 7).trace(tiny)
    assert max(row.arrivals_per_s for row in rows) <= MOST_ARRIVALS
    assert sum(row.arrivals_per_s for row in rows) <= MOST_REQUESTS


def test_the_ways_are_those_that_were_asked_for() -> None:
    def names(baselines: str) -> list[str]:
        asked = Asked("packed", "steady", "", 5, 0.0, 0.0, 4.0, 3.0, Knobs(), baselines, 7)  # type: ignore[arg-type]
        return [way.name for way in asked.ways(OF)]

    assert names("none") == ["switching"]
    assert names("fixed") == ["switching", "fixed: large", "fixed: small"]
    assert names("all")[3:] == ["switching, dense size reloaded", "switching, all at dense size"]


def test_a_way_that_one_network_serves_alone_has_the_colour_of_that_network_and_others_none() -> None:
    def places(way: str) -> set[object]:
        events = telling.ended(record(way, {"large": 60}, overheads=(3.0,)), OF)
        return {event.labels["place"] for event in events if isinstance(event, Metric)}

    assert places("fixed: large") == {0} and places("fixed: small") == {1}
    assert places("switching") == {-1} and places("switching, all at dense size") == {-3}


def test_a_disturbed_time_of_a_network_is_badged_as_elsewhere_and_told_with_its_interval(tmp_path: Path) -> None:
    profile = {"latency_ms": {"large": 10.0, "small": 2.0}, "samples": {"large": 50, "small": 50}, "threads": 1,
               "interval_ms": {"large": (9.5, 10.5), "small": None}, "noise": {"large": [], "small": ["other work was there"]}}
    said = list(telling.networks(OF, profile, Context(tmp_path)))
    large, small = [each for each in said if isinstance(each, Measured)]
    assert (large.low, large.high, large.noisy) == (9.5, 10.5, False)
    assert (small.low, small.high, small.noisy) == (None, None, True)
    assert [each.message for each in said if isinstance(each, Log) and each.level == "warning"] == [
        f"small in {telling.ENGINE}: noisy latency; other work was there."]
