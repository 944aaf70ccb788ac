"""The stopwatch keeps every sample and knows what it does not know."""

from __future__ import annotations

import time

import numpy as np
import pytest

from worker.profiling.stopwatch import Plan, Timing, clock, faster, measure, median_ranks


def timing(samples: list[float], wall: float = 1.0, cpu: float = 1.0) -> Timing:
    return Timing((np.asarray(samples) * 1e6).astype(np.int64), wall, cpu)


def test_it_keeps_at_least_the_asked_laps() -> None:
    assert len(measure(lambda: None, Plan(least=25, seconds=0)).samples_ns) == 25


def test_it_goes_on_until_the_asked_seconds_are_sampled() -> None:
    found = measure(lambda: time.sleep(0.001), Plan(least=1, seconds=0.1))
    assert found.wall_s >= 0.1


def test_it_never_takes_more_than_the_most() -> None:
    assert len(measure(lambda: None, Plan(least=1, seconds=1, most=50)).samples_ns) == 50


def test_calls_take_turns() -> None:
    order: list[str] = []
    calls = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    list(clock(calls, Plan(warmup=1, least=4, seconds=0, rounds=2)))
    assert "".join(order) == "aaa" + "bbb" + "aaa" + "bbb"


def test_a_slow_call_lets_itself_be_stopped_between_laps() -> None:
    assert len(list(clock({"slow": lambda: time.sleep(0.2)}, Plan(warmup=1, least=5, seconds=0, rounds=1)))) >= 2


@pytest.mark.parametrize(("n", "ranks"), [(5, None), (6, (0, 5)), (10, (1, 8)), (20, (5, 14)), (100, (39, 60))])
def test_the_ranks_are_those_of_the_binomial_table(n: int, ranks: tuple[int, int] | None) -> None:
    assert median_ranks(n) == ranks


def test_the_interval_covers_the_true_median_often_enough() -> None:
    rng, hits = np.random.default_rng(3), 0
    for _ in range(400):
        low, high = timing(list(rng.lognormal(size=30))).interval_ms or (0.0, 0.0)
        hits += low <= 1.0 <= high
    assert hits / 400 > 0.93


def test_a_stolen_processor_is_noticed() -> None:
    assert timing([1.0] * 20, wall=1.4, cpu=1.0).badge == "noisy"
    assert "1.40× the CPU time" in timing([1.0] * 20, wall=1.4, cpu=1.0).noise[0]


def test_even_samples_are_stable() -> None:
    assert timing([1.0] * 20).badge == "stable"


def test_overlapping_intervals_are_no_speed_up() -> None:
    spread = list(np.linspace(0.8, 1.2, 30))
    assert faster(timing(spread), timing([value / 1.05 for value in spread])) is None


def test_a_few_percent_between_two_sessions_are_no_speed_up() -> None:
    assert faster(timing([1.02] * 30), timing([1.0] * 30)) is None


def test_a_clear_speed_up_is_the_ratio_of_the_medians() -> None:
    assert faster(timing([3.4] * 30), timing([1.0] * 30)) == pytest.approx(3.4)


def test_samples_survive_being_kept_as_json() -> None:
    found = timing([1.0, 2.0, 3.0])
    assert Timing.from_facts(found.as_facts()).samples_ns.tolist() == found.samples_ns.tolist()


def test_reasons_for_noise_are_written_with_real_signs() -> None:
    samples = np.concatenate([np.full(20, 1e6), np.full(20, 3e6), np.full(3, 9e6)]).astype(np.int64)
    told = " ".join(Timing(samples, 2.0, 1.0).noise)
    assert "2.00× the CPU time" in told and "× the median" in told and "±" in told and " % only" in told
    assert "+-" not in told
