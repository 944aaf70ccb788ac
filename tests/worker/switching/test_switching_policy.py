"""Which network the policy chooses: downwards at once, upwards after long enough, never back and forth with a quick load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.switching.policy import Again, Candidate, Knobs, Policy, Window

LARGE, MIDDLE, SMALL = Candidate("large", 0.95, 40.0, 60), Candidate("middle", 0.9, 10.0, 30), Candidate("small", 0.8, 2.0, 10)
ALL = (LARGE, MIDDLE, SMALL)
KNOBS = Knobs(most_waiting=4, hold=5, dwell_s=2.0)


def window(rate: float, *, waiting: int = 0, p95: float | None = None, free: int | None = None, within: float = 100.0,
           passes: float | None = None) -> Window:
    return Window(waiting, p95, rate, within, free, passes)


def policy(now: str, knobs: Knobs = KNOBS) -> Policy:
    return Policy(ALL, knobs, now)


def steps(one: Policy, windows: list[Window]) -> list[tuple[str, str]]:
    return [(found.trigger, found.to) for each in windows if (found := one.step(each)).to]


@pytest.mark.parametrize(("rate", "within", "free", "target"), [
    (1, 100, None, "large"), (1, 47, None, "middle"), (22, 100, None, "middle"), (20, 100, None, "large"),
    (90, 100, None, "small"), (1, 100, 59, "middle"), (1, 100, 29, "small"), (0, 100, None, "large")])
def test_the_target_is_the_most_accurate_that_keeps_deadline_load_and_memory(
    rate: float, within: float, free: int | None, target: str,
) -> None:
    found, is_degraded = policy("large").target(window(rate, within=within, free=free))
    assert (found.name, is_degraded) == (target, False)


def test_of_equals_the_smaller_is_the_target() -> None:
    twin = Candidate("twin", 0.95, 30.0, 50)
    assert Policy((*ALL, twin), KNOBS, "large").target(window(1))[0] is twin


def test_where_nothing_is_feasible_the_fastest_serves_and_that_is_said() -> None:
    found = policy("large").step(window(5000, waiting=9))
    assert (found.to, found.target, found.is_degraded) == ("small", "small", True)


def test_a_queue_that_is_too_long_changes_downwards_in_one_window() -> None:
    assert steps(policy("large"), [window(50, waiting=5)]) == [("T1", "middle")]


def test_answers_that_come_too_late_change_downwards_in_one_window() -> None:
    assert steps(policy("large"), [window(50, p95=101.0)]) == [("T1", "middle")]


def test_memory_that_runs_short_changes_downwards_in_one_window_also_while_it_dwells() -> None:
    one = policy("large")
    assert steps(one, [window(1, free=35), window(1, free=12)]) == [("T2", "middle"), ("T2", "small")]


def test_memory_that_must_stay_free_counts_as_taken() -> None:
    one = policy("large", Knobs(memory_floor_bytes=20))
    assert steps(one, [window(1, free=79)]) == [("T2", "middle")]


def test_upwards_it_changes_only_after_so_many_windows_on_end() -> None:
    one = policy("small")
    assert steps(one, [window(1)] * 4) == []
    assert steps(one, [window(1)]) == [("T3", "large")]


def test_one_window_in_which_nothing_better_was_possible_begins_the_count_anew() -> None:
    one = policy("small")
    assert steps(one, [*[window(1)] * 4, window(90), *[window(1)] * 4]) == []


def test_upwards_it_goes_to_the_least_of_what_was_possible_all_the_while() -> None:
    one = policy("small")
    assert steps(one, [window(1), window(1), window(50), window(1), window(1)]) == [("T3", "middle")]


@pytest.mark.parametrize("twin_first", [True, False])
def test_of_equally_accurate_ones_it_goes_upwards_to_the_one_that_is_feasible(twin_first: bool) -> None:
    slow = Candidate("slow", MIDDLE.accuracy, 50.0, 20)
    one = Policy((slow, MIDDLE, SMALL) if twin_first else (MIDDLE, slow, SMALL), KNOBS, "small")
    assert steps(one, [window(50)] * 6) == [("T3", "middle")]


def test_what_the_old_network_took_while_a_new_one_is_made_ready_is_held_against_the_old_one() -> None:
    one = policy("large")
    one.step(window(50, waiting=9))
    assert one.now == "middle"
    one.step(Window(0, None, 50, 100.0, None, 40.0, passed_by="large"))
    assert one.slower == 1.0


def test_a_queue_that_becomes_shorter_after_a_change_is_waited_for() -> None:
    one = policy("large")
    windows = [window(50, waiting=30), window(50, waiting=20), window(50, waiting=10), window(50, waiting=0)]
    assert steps(one, windows) == [("T1", "middle")]


def test_a_queue_that_goes_on_growing_changes_downwards_again() -> None:
    assert steps(policy("large"), [window(50, waiting=30), window(50, waiting=31)]) == [("T1", "middle"), ("T1", "small")]


def test_a_device_that_becomes_slower_is_followed_by_what_is_measured() -> None:
    one = policy("large")
    for _ in range(20):
        one.step(window(1, passes=120.0, within=1000.0))
    assert one.slower == pytest.approx(3.0, rel=0.01)
    assert one.target(window(1))[0] is MIDDLE  # 40 ms as profiled are 120 ms now, and 10 ms are 30


def test_a_network_that_was_left_under_pressure_is_tried_again_only_after_longer_calm() -> None:
    one = policy("large")
    one.step(window(1, waiting=9))
    assert one.now == "middle"
    assert steps(one, [window(1)] * 9) == []
    assert steps(one, [window(1)]) == [("T3", "large")]


def test_what_it_remembers_goes_on_in_another_one() -> None:
    one, other = policy("large"), policy("large")
    one.step(window(50, waiting=9))
    one.step(window(1))
    other.load(one.state())
    rest = [window(1)] * 12
    assert steps(one, rest) == steps(other, rest) != []


def test_the_changes_of_another_are_made_again_in_the_same_windows() -> None:
    one = Again("large", {"large": 40.0, "small": 40.0}, {1: ("T1", "small"), 3: ("T3", "large")})
    found = [one.step(window(1)).to for _ in range(2)]
    other = Again("large", one.latency_ms, one.changes)
    other.load(one.state())
    assert found + [other.step(window(1)).to for _ in range(3)] == ["", "small", "", "large", ""]
    assert other.now == "large" and other.expected_ms("small") == 40.0


def square(low: float, high: float, half: int, length: int) -> Iterator[float]:
    """A load that is low for so many windows, then high for as many."""
    for at in range(length):
        yield high if (at // half) % 2 else low


class Queue:
    """What waits where requests come evenly and the network that serves takes what it was profiled to take."""

    def __init__(self, one: Policy) -> None:
        self.policy, self.waiting = one, 0.0

    def step(self, rate: float) -> str:
        served = 1e3 / self.policy.current.latency_ms
        self.waiting = max(0.0, self.waiting + rate - served)
        late = self.policy.current.latency_ms + 1e3 * self.waiting / served
        return self.policy.step(window(rate, waiting=int(self.waiting), p95=late)).to


loads = st.floats(0.5, 600.0)


@given(low=loads, high=loads, half=st.integers(1, 5), dwell=st.integers(2, 12), hold=st.integers(1, 6),
       start=st.sampled_from(["large", "middle", "small"]))
def test_a_square_wave_shorter_than_the_dwell_time_never_moves_it_back_and_forth(
    low: float, high: float, half: int, dwell: int, hold: int, start: str,
) -> None:
    """Its period is at most the dwell time: whatever the loads, it goes one way and stays."""
    half = min(half, dwell // 2)
    queue = Queue(policy(start, Knobs(most_waiting=4, hold=hold, dwell_s=float(dwell))))
    served = [start] + [to for rate in square(low, high, half, 40 * dwell) if (to := queue.step(rate))]
    accuracies = [next(each.accuracy for each in ALL if each.name == name) for name in served]
    assert accuracies == sorted(accuracies) or accuracies == sorted(accuracies, reverse=True)


@given(rates=st.lists(loads, min_size=30, max_size=120), dwell=st.integers(1, 10), hold=st.integers(1, 6))
def test_between_a_change_and_one_upwards_there_is_the_dwell_time_and_the_hold(
    rates: list[float], dwell: int, hold: int,
) -> None:
    queue, last = Queue(policy("middle", Knobs(most_waiting=4, hold=hold, dwell_s=float(dwell)))), -1000
    for at, rate in enumerate(rates):
        before = queue.policy.current.accuracy
        if to := queue.step(rate):
            if next(each.accuracy for each in ALL if each.name == to) > before:
                assert at - last >= max(dwell, hold)
            last = at
