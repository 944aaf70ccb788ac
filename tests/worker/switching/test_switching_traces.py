"""Traces: what generators make, what lines say, and what is wrong with lines in sentences that name them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.switching.traces import (
    GENERATORS,
    MOST_ARRIVALS,
    Second,
    Shape,
    arrivals,
    burst,
    diurnal,
    read,
    thermal,
    written,
)

SHAPE = Shape(60, 20.0, 100.0, burst=4.0, slower=3.0)


@pytest.mark.parametrize("kind", list(GENERATORS))
def test_a_generator_makes_the_same_of_the_same_seed_and_as_many_seconds_as_asked(kind: str) -> None:
    made = GENERATORS[kind](SHAPE, 7)
    assert made == GENERATORS[kind](SHAPE, 7)
    assert len(made) == 60 and all(each.deadline_ms == 100.0 for each in made)


@pytest.mark.parametrize("seconds", [2, 3, 5, 12, 60])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bursts_are_bursts_and_there_is_rest_between_them(seconds: int, seed: int) -> None:
    loads = {each.arrivals_per_s for each in burst(Shape(seconds, 20.0, 100.0, burst=4.0), seed)}
    assert 80.0 in loads and loads <= {20.0, 80.0}
    assert seconds < 5 or 20.0 in loads


def test_a_day_is_quiet_at_its_ends_and_busiest_in_the_middle() -> None:
    loads = [each.arrivals_per_s for each in diurnal(SHAPE, 1)]
    assert loads[0] == loads[-1] == 2.0 and max(loads) == pytest.approx(80.0, rel=0.01) == pytest.approx(loads[30], rel=0.01)


def test_a_warm_device_is_slow_and_cools_down_at_the_end() -> None:
    slow = [each.slower for each in thermal(SHAPE, 1)]
    assert slow[0] == slow[-1] == 1.0 and max(slow) == 3.0 and slow == sorted(slow[:54]) + slow[54:]


def test_requests_come_as_often_as_the_trace_says_in_order_and_by_the_seed() -> None:
    rows = [Second(50.0, 100.0)] * 100 + [Second(0.0, 100.0)] * 10
    found = arrivals(rows, 3)
    assert found == arrivals(rows, 3) != arrivals(rows, 4)
    assert found == sorted(found) and max(found) < 100 and len(found) == pytest.approx(5000, rel=0.05)


def test_an_image_that_comes_over_a_network_takes_its_time_off_the_deadline() -> None:
    assert Second(1.0, 100.0, network_mbps=8.0).within_ms(50_000) == pytest.approx(50.0)
    assert Second(1.0, 10.0, network_mbps=8.0).within_ms(50_000) == 0.0
    assert Second(1.0, 100.0).within_ms(50_000) == 100.0


@given(st.lists(st.builds(
    Second, st.floats(0, MOST_ARRIVALS), st.floats(0.01, 1e5), st.none() | st.floats(0, 1e5), st.none() | st.floats(0.01, 1e4),
    st.floats(1, 50)), min_size=1, max_size=20))
def test_what_is_written_is_read_as_what_it_was(rows: list[Second]) -> None:
    again = read(written(rows))
    assert written(again) == written(rows) and len(again) == len(rows)


def test_columns_that_are_not_named_are_not_said() -> None:
    assert read("deadline_ms, arrivals_per_s\n100, 5") == [Second(5.0, 100.0)]


@pytest.mark.parametrize(("text", "sentence"), [
    ("", "got nothing"), ("arrivals_per_s\n5", "Line 1"), ("arrivals_per_s,deadline_ms,colour\n1,2,3", "Line 1"),
    ("arrivals_per_s,deadline_ms", "got none"), ("arrivals_per_s,deadline_ms\n5", "Line 2: 2 values are needed"),
    ("arrivals_per_s,deadline_ms\n5,100\n-1,100", "Line 3: arrivals_per_s is a number, at least 0"),
    ("arrivals_per_s,deadline_ms\n5,nan", "Line 2: deadline_ms is a number, more than 0"),
    ("arrivals_per_s,deadline_ms\n5,0", "Line 2: deadline_ms"), ("arrivals_per_s,deadline_ms\n,5", "arrivals_per_s is needed"),
    ("arrivals_per_s,deadline_ms,slower\n5,5,0.5", "slower is a number, at least 1"),
    ("arrivals_per_s,deadline_ms\n5,inf", "Line 2"), ("arrivals_per_s,deadline_ms\n1e9,5", "at most 5,000"),
    ("arrivals_per_s,deadline_ms,deadline_ms\n1,5,5", "each once"),
    ("arrivals_per_s,deadline_ms\n" + "1,5\n" * 3601, "at most 3,600 seconds")])
def test_a_bad_trace_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        read(text)


def test_many_bad_lines_are_told_by_the_first_few() -> None:
    with pytest.raises(ValueError, match="And 2 lines more"):
        read("arrivals_per_s,deadline_ms" + "\nx,5" * 7)
