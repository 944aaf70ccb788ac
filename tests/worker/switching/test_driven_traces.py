"""A trace driven through a real serving process: every request is counted once, swaps come where they must, resumed as killed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.worker.switching.servers import SHAPE, setup
from worker.context import Checkpoints
from worker.switching.driving import Course, Driver, _Answer, _Asked
from worker.switching.kept import Kept
from worker.switching.policy import Candidate, Knobs, Policy
from worker.switching.process import Process
from worker.switching.records import Record, Row, Swap
from worker.switching.traces import Second, arrivals

MB = 10**6
OF = (Candidate("large", 0.9, 0.05, 60 * MB), Candidate("middle", 0.8, 0.05, 30 * MB), Candidate("small", 0.7, 0.05, 10 * MB))
# What the machine is busy with beside the test changes nothing: no queue is too long, no time is followed.
CALM = Knobs(hold=2, most_waiting=10_000, follow=0.0)
PLENTY, LITTLE = Second(60.0, 60_000.0), Second(60.0, 60_000.0, free_mb=35.0)
SHORT = [PLENTY, LITTLE, LITTLE, PLENTY]


def course(trace: Sequence[Second], seed: int = 3) -> Course:
    return Course(trace, arrivals(trace, seed), np.ones((4, *SHAPE), np.float32))


def driven(folder: Path, trace: Sequence[Second], *, stop_after: int | None = None, knobs: Knobs = CALM) -> Record:
    """The whole trace, or, as if killed, only so many seconds of it."""
    kept = Kept(Checkpoints(folder / "kept"), "way0")
    with Process(setup(folder, "disk")) as process:
        process.begin()
        driver = Driver("switching", course(trace), process, "large", Policy(OF, knobs, "large"))
        rows = driver.drive(kept)
        seen = list[Row]()
        while True:
            try:
                seen.append(next(rows))
            except StopIteration as end:
                record: Record = end.value
                return record
            if stop_after is not None and len(seen) == stop_after:
                return driver.record


def test_every_request_is_counted_once_and_answered_by_somebody(tmp_path: Path) -> None:
    record = driven(tmp_path, SHORT)
    assert record.arrived == record.answered == len(course(SHORT).moments) > 100
    assert record.by_network.total() == record.answered and record.late == 0


def test_a_network_for_which_no_room_is_left_leaves_and_comes_back(tmp_path: Path) -> None:
    record = driven(tmp_path, [*SHORT, PLENTY, PLENTY])
    assert [(swap.trigger, swap.before, swap.to) for swap in record.swaps] == [
        ("T2", "large", "middle"), ("T3", "middle", "large")]
    assert [swap.second for swap in record.swaps] == [1, 4]
    served = [name for row in record.rows for name, _ in row.serving_s]
    assert served[0] == "large" and "middle" in served and served[-1] == "large"
    assert all(swap.overhead_ms is not None and swap.prepared_ms > 0 for swap in record.swaps)


def test_the_first_answer_of_the_new_network_counts_also_where_it_comes_before_the_word_that_it_is_ready() -> None:
    """Asked at 0 and ready at 10 ms; the old one answers until then; the new one from 12 to 15 ms, as quick as ever."""
    asked = _Asked(Swap(0, "T1", "large", "small", 0.0, 0), asked_ns=0, pass_ns=3e6)
    asked.answers += [_Answer(0, 4 * 10**6, 7 * 10**6, 7 * 10**6), _Answer(0, 12 * 10**6, 15 * 10**6, 16 * 10**6)]
    asked.ready_ns = 10**7
    asked.answers.append(_Answer(0, 15 * 10**6, 18 * 10**6, 19 * 10**6))
    assert asked.overhead_ms == 13.0


def test_time_without_a_request_is_nobodys_overhead() -> None:
    asked = _Asked(Swap(0, "T3", "small", "large", 0.0, 0), asked_ns=0, pass_ns=3e6, ready_ns=10**7)
    asked.answers.append(_Answer(10**9, 10**9, 10**9 + 3 * 10**6, 10**9 + 3 * 10**6))
    assert asked.overhead_ms == 10.0


def test_the_stretches_of_all_seconds_are_as_long_as_the_trace(tmp_path: Path) -> None:
    record = driven(tmp_path, SHORT)
    assert sum(length for row in record.rows for _, length in row.serving_s) == pytest.approx(len(SHORT), abs=0.01)


def test_a_device_that_is_slow_answers_late_and_that_is_told(tmp_path: Path) -> None:
    slow = [Second(20.0, 60_000.0, slower=1.0), Second(20.0, 0.001)]
    record = driven(tmp_path, slow)
    in_time = sum(row.in_time.total() for row in record.rows)
    asked = course(slow)
    assert record.late == record.arrived - in_time == sum(moment >= 1 for moment in asked.moments)


@pytest.mark.parametrize("stop_after", [1, 3])
def test_one_that_was_killed_goes_on_with_the_second_after_and_answers_each_request_once(stop_after: int, tmp_path: Path) -> None:
    first = driven(tmp_path, SHORT, stop_after=stop_after)
    kept = [row.as_facts() for row in first.rows]
    record = driven(tmp_path, SHORT)
    assert [row.as_facts() for row in record.rows[:stop_after]] == kept
    assert record.arrived == record.answered == len(course(SHORT).moments)
    assert [row.second for row in record.rows[:len(SHORT)]] == list(range(len(SHORT)))


def test_one_that_was_killed_at_its_end_answers_what_waited_then(tmp_path: Path) -> None:
    driven(tmp_path, SHORT, stop_after=len(SHORT))
    assert driven(tmp_path, SHORT).answered == len(course(SHORT).moments)


def test_effective_accuracy_counts_answers_in_time_by_who_gave_them() -> None:
    rows = [Row(0, arrived=6), Row(1, arrived=4)]
    rows[0].answered.update({"large": 4, "small": 2})
    rows[0].in_time.update({"large": 3, "small": 2})
    record = Record("way", rows)
    assert record.effective({"large": 0.9, "small": 0.5}) == pytest.approx((3 * 0.9 + 2 * 0.5) / 10)
    assert (record.late, record.answered) == (5, 6)
