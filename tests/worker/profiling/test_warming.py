"""Warm-up ends when inferences take the same time again and again, or at its limit; and it says which."""

from __future__ import annotations

from tests.worker.profiling.clocks import Paper
from worker.profiling.warming import Warm, warmed


def warm(*every_ms: float, least: int = 0, limit_s: float = 5.0) -> Warm:
    paper = Paper()
    running = warmed(paper.passes(*every_ms), least=least, limit_s=limit_s, instruments=paper.instruments)
    while True:
        try:
            next(running)
        except StopIteration as end:
            found: Warm = end.value
            return found


def test_even_inferences_are_steady_after_three_windows_of_five() -> None:
    assert warm(4.0) == Warm(15, 4e6, True)


def test_short_ones_fill_windows_of_ten_milliseconds() -> None:
    assert warm(0.1) == Warm(300, 1e5, True)


def test_it_goes_on_while_they_get_faster() -> None:
    falling = [20.0 - 0.5 * lap for lap in range(30)]
    found = warm(*falling, 5.0)
    assert found.steady and found.laps == 30 + 15 and found.lap_ns == 5e6


def test_the_asked_number_is_always_made() -> None:
    assert warm(4.0, least=100).laps == 100


def test_what_never_comes_to_rest_ends_at_the_limit_and_says_so() -> None:
    found = warm(*([2.0] * 5 + [9.0] * 5) * 100, limit_s=1.0)
    assert not found.steady and 180 <= found.laps <= 190


def test_a_very_slow_one_is_run_five_times_at_least() -> None:
    assert warm(3000.0, limit_s=1.0) == Warm(5, 3e9, False)
