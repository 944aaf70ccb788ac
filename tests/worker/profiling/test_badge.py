"""Stable, noisy or throttled, and why: from what clocks and sensors told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.profiling.clocks import Paper, busy
from worker.profiling.badge import Badge, disturbance, judged
from worker.profiling.journal import Journal
from worker.profiling.sampling import Goal, Sampled, gathered, sampled
from worker.profiling.sensors import Reading

SECONDS = Goal(least=30, seconds=4.0, most=10_000)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "benchmark.jsonl")


def timed(paper: Paper, journal: Journal, *every_ms: float, goal: Goal = SECONDS) -> Sampled:
    list(sampled(paper.passes(*every_ms), goal, journal, "part", paper.instruments))
    return gathered(journal.portions("part"))


def badge(found: Sampled, threads: int = 1, processors: int = 2, steady: bool = True) -> Badge:
    return judged(found, threads=threads, processors=processors, steady=steady)


def test_an_even_timing_on_a_quiet_machine_is_stable(journal: Journal) -> None:
    found = timed(Paper(), journal, 10.0)
    assert badge(found) == Badge("stable") and str(badge(found)) == "stable" and disturbance(found, badge(found)) == 0


def test_a_stolen_processor_is_noise(journal: Journal) -> None:
    found = badge(timed(Paper(stolen=1.4), journal, 10.0))
    assert found == Badge("noisy", ("wall time was 1.40× the CPU time, so other work shared the processor",))


def test_a_tail_is_noise(journal: Journal) -> None:
    found = badge(timed(Paper(), journal, *([10.0] * 9 + [30.0]) * 50))
    assert found.word == "noisy" and found.reasons == ("the slowest twentieth took 3.0× the median",)


def test_a_vague_median_is_noise(journal: Journal) -> None:
    found = badge(timed(Paper(), journal, 5.0, 9.0, 10.0, 11.0, 12.0, 13.0, goal=Goal(6, 0.0, 6)))
    assert any(reason.startswith("the median is known to ±") for reason in found.reasons)


def test_a_median_that_moves_is_noise(journal: Journal) -> None:
    found = badge(timed(Paper(), journal, *[10.0] * 200, *[12.0] * 200))
    assert found.reasons == ("the median moved from 10 to 12 ms while it was timed",)


def test_a_warm_up_without_rest_and_more_threads_than_processors_are_noise(journal: Journal) -> None:
    found = badge(timed(Paper(), journal, 10.0), threads=4, processors=2, steady=False)
    assert found.reasons == ("4 threads on 2 processors", "the warm-up came to no rest")


@pytest.mark.parametrize(("others", "word"), [(0.1, "stable"), (0.9, "noisy")])
def test_several_threads_need_processors_that_nobody_else_uses(others: float, word: str, journal: Journal) -> None:
    # The test's own inference is one busy processor beside the others.
    found = badge(timed(Paper(readings=busy(1 + others)), journal, 10.0), threads=2)
    assert found.word == word
    assert found.reasons == (("other work took 0.9 of the 2 processors meanwhile",) if word == "noisy" else ())


def test_what_the_machine_says_of_itself_is_throttling(journal: Journal) -> None:
    hot = Paper(readings=lambda seconds: Reading(temperature_c=84.6, throttled=("throttled",) if seconds > 2 else ()))
    assert badge(timed(hot, journal, 10.0)) == Badge("throttled", ("the machine said: throttled at 85 °C",))


def test_a_counter_that_rises_is_throttling_and_one_that_stands_is_not(journal: Journal) -> None:
    counting = Paper(readings=lambda seconds: Reading(throttle_count=7 + int(seconds > 2) * 3))
    assert badge(timed(counting, journal, 10.0)) == Badge("throttled", ("the processor was throttled 3 times",))


def test_a_standing_counter_is_none(journal: Journal) -> None:
    assert badge(timed(Paper(readings=lambda seconds: Reading(throttle_count=7)), journal, 10.0)).word == "stable"


def test_a_clock_that_falls_while_inferences_get_slower_is_throttling(journal: Journal) -> None:
    slowing = Paper(readings=lambda seconds: Reading(clock_mhz=1500.0 if seconds < 2 else 1000.0))
    found = badge(timed(slowing, journal, *[10.0] * 200, *[15.0] * 200))
    assert found.word == "throttled" and found.reasons[0] == "the clock fell from 1,500 to 1,000 MHz"


def test_a_clock_that_wanders_while_nothing_gets_slower_is_none(journal: Journal) -> None:
    wandering = Paper(readings=lambda seconds: Reading(clock_mhz=3000.0 if seconds < 2 else 1000.0))
    assert badge(timed(wandering, journal, 10.0)).word == "stable"


def test_the_calmest_of_several_has_the_least_disturbance(tmp_path: Path) -> None:
    found = [timed(Paper(stolen=stolen), Journal(tmp_path / str(stolen)), 10.0) for stolen in (3.0, 1.0, 1.3)]
    assert [round(disturbance(each, badge(each)), 3) for each in found] == [4.0, 0.0, 2.3]
