"""Samples come in small portions with what the machine told beside them; energy is counted where something counts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.profiling.clocks import Paper, busy
from worker.profiling.journal import Journal
from worker.profiling.sampling import Goal, Sampled, gathered, sampled
from worker.profiling.sensors import Reading


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "benchmark.jsonl")


def timed(paper: Paper, journal: Journal, ms: float, goal: Goal) -> Sampled:
    list(sampled(paper.passes(ms), goal, journal, "part", paper.instruments))
    return gathered(journal.portions("part"), goal.each)


def test_a_portion_ends_after_four_tenths_of_a_second(journal: Journal) -> None:
    found = timed(Paper(), journal, 100.0, Goal(10, 0.0, 1000))
    assert [len(portion["samples_ns"]) for portion in found.portions] == [4, 4, 2]


@pytest.mark.parametrize(("goal", "samples"), [
    (Goal(25, 0.0, 1000), 25), (Goal(1, 2.0, 1000), 200), (Goal(500, 0.1, 1000), 500), (Goal(1, 60.0, 50), 50)])
def test_it_stops_at_the_least_and_the_seconds_or_at_the_most(goal: Goal, samples: int, journal: Journal) -> None:
    assert len(timed(Paper(), journal, 10.0, goal).timing.samples_ns) == samples


def test_a_sample_of_several_inferences_is_their_mean(journal: Journal) -> None:
    found = timed(Paper(), journal, 1.0, Goal(1, 1.0, 10_000, each=50))
    assert set(found.timing.samples_ns.tolist()) == {1_000_000} and len(found.timing.samples_ns) == 20
    assert (found.inferences, found.throughput_per_s) == (1000, 1000.0)


def test_what_other_work_took_meanwhile_is_beside_each_portion(journal: Journal) -> None:
    # Of 1.5 busy processors one is the test's own inference.
    found = timed(Paper(readings=busy(1.5)), journal, 10.0, Goal(1, 2.0, 1000))
    assert [portion["others"] for portion in found.portions] == [pytest.approx(0.5, abs=0.05)] * len(found.portions)


def test_counted_energy_is_the_difference_of_the_counter(journal: Journal) -> None:
    # 7 W, whatever runs.
    counting = Paper(readings=lambda seconds: Reading(energy_uj=round(7e6 * seconds)))
    found = timed(counting, journal, 10.0, Goal(100, 0.0, 1000))
    assert found.energy_j == pytest.approx(7.0 * 1.0) and 1e3 * (found.energy_j or 0) / found.inferences == pytest.approx(70.0)


def test_power_is_taken_for_the_time_of_its_portion(journal: Journal) -> None:
    found = timed(Paper(readings=lambda seconds: Reading(power_w=5.0)), journal, 10.0, Goal(100, 0.0, 1000))
    assert found.energy_j == pytest.approx(5.0)


def test_a_counter_that_began_anew_and_a_machine_without_sensors_give_no_energy(journal: Journal) -> None:
    starting_anew = Paper(readings=lambda seconds: Reading(energy_uj=round(7e6 * (seconds % 0.3))))
    assert timed(starting_anew, journal, 10.0, Goal(100, 0.0, 1000)).energy_j is None
    assert timed(Paper(), Journal(journal._path.with_name("other")), 10.0, Goal(10, 0.0, 1000)).energy_j is None
