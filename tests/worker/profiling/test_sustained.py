"""Sustained load is cut into windows, and what became of the throughput is told."""

from __future__ import annotations

import pytest

from worker.profiling.badge import Badge
from worker.profiling.sampling import gathered
from worker.profiling.steps import Part
from worker.profiling.sustained import Cut, Sustained

MS = 1_000_000


def windows(samples_ms: list[float], width_s: int = 1, each: int = 1, batch: int = 1) -> list[tuple[int, int]]:
    cut = Cut(width_s, batch)
    cut.add([round(ms * MS) for ms in samples_ms], each)
    cut.last()
    return [(window.at_s, len(window.samples_ns)) for window in cut.done]


def test_samples_are_cut_at_every_second_of_inference() -> None:
    assert windows([250.0] * 10) == [(0, 4), (1, 4), (2, 2)]
    assert windows([250.0] * 10, width_s=2) == [(0, 8), (2, 2)]


def test_a_sample_of_many_inferences_counts_as_long_as_they_took() -> None:
    assert windows([1.0] * 4, each=500) == [(0, 2), (1, 2)]


def test_an_inference_longer_than_a_window_leaves_windows_out() -> None:
    assert windows([2500.0, 100.0]) == [(0, 1), (2, 1)]


def test_it_comes_portion_by_portion_to_the_same_windows() -> None:
    cut, said = Cut(1, 1), 0
    for _ in range(10):
        said += len(cut.add([300 * MS], 1))
    assert said == len(cut.done) == 2 and cut.last().at_s == 2


def found(*every_ms: float, batch: int = 2) -> Sustained:
    samples = [round(ms * MS) for ms in every_ms]
    portion = {"samples_ns": samples, "wall_ns": sum(samples), "cpu_ns": sum(samples), "after": {}, "energy_j": None}
    cut = Cut(1, batch)
    cut.add(samples, 1)
    cut.last()
    return Sustained(Part(batch, gathered([portion]), {}, Badge("stable")), tuple(cut.done))


def test_what_it_lost_is_said_in_per_cent() -> None:
    # 10 images a second for three seconds, then 8.
    slower = found(*[200.0] * 15, *[250.0] * 12)
    assert slower.change == pytest.approx(-0.2)
    assert slower.told == "6 s without a pause: 9 images/s, 20 % less at the end, stable"


def test_what_it_held_is_said_too() -> None:
    assert found(*[200.0] * 30).told == "6 s without a pause: 10 images/s, the same at the end, stable"
