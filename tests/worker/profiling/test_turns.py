"""Passes by blocks and in one piece take turns; sums, intervals and costs follow from the instants alone."""

from __future__ import annotations

import numpy as np
import pytest

from worker.profiling.stopwatch import Plan
from worker.profiling.turns import Found, Samples, Turns


class World:
    """A clock that only the passes move: block i takes `blocks[i]` ns, the whole `whole` ns, a switch of programs 1,000."""

    def __init__(self, blocks: list[int], whole: int) -> None:
        self.blocks, self.whole_ns, self.now, self.order = blocks, whole, 0, list[str]()

    def clock(self) -> int:
        return self.now

    def by_blocks(self) -> list[int]:
        self.order.append("b")
        stamps = [self.now]
        for block in self.blocks:
            self.now += block
            stamps.append(self.now)
        return stamps

    def whole(self) -> None:
        self.order.append("w")
        self.now += self.whole_ns

    def ready(self, which: str) -> None:
        self.now += 1000

    def turns(self, count: int = 0) -> Turns:
        made = Turns(self.by_blocks, self.whole, self.ready, clock=self.clock, cpu=self.clock)
        for _ in range(count):
            made.take()
        return made


def test_neither_is_always_the_first_of_a_pair() -> None:
    world = World([1, 2], 3)
    world.turns(4)
    assert "".join(world.order) == "bwwbbwwb"


def test_the_sum_of_blocks_that_add_up_is_the_whole() -> None:
    found = World([10, 20, 30], 60).turns(7).found
    assert (found.sum_s, found.whole_s, found.additivity_error) == pytest.approx((60e-9, 60e-9, 0))
    assert [span.seconds for span in found.spans] == pytest.approx([10e-9, 20e-9, 30e-9])


def test_what_is_lost_between_programs_is_not_timed() -> None:
    samples = World([10, 20], 30).turns(6).samples
    assert samples.wall_ns.tolist() == samples.cpu_ns.tolist() == [[30, 30]] * 6


def disturbed(count: int, of: int = 20) -> Samples:
    """The first turns waited for the processor in one of their two passes."""
    wall = np.full((of, 2), 1_000_000, dtype=np.int64)
    blocks = np.full((of, 2), 500_000, dtype=np.int64)
    wall[:count, 0] += 900_000
    blocks[:count, 1] += 900_000
    return Samples(blocks, wall[:, 1], wall, np.full((of, 2), 1_000_000, dtype=np.int64))


@pytest.mark.parametrize(("count", "left_out"), [(0, 0), (1, 1), (14, 14), (15, 0), (20, 0)])
def test_turns_that_waited_for_the_processor_are_left_out_while_enough_are_calm(count: int, left_out: int) -> None:
    found = disturbed(count).found
    assert (found.left_out, found.repeats) == (left_out, 20 - left_out)
    assert (found.additivity_error == pytest.approx(0)) == (left_out == count)


def test_where_too_few_are_calm_the_timing_says_that_it_was_disturbed() -> None:
    assert not disturbed(14).found.whole.noise
    assert "other work shared the processor" in disturbed(20).found.whole.noise[0]


@pytest.mark.parametrize(("whole", "error"), [(100, 0.2), (120, 0.0), (150, -0.2)])
def test_the_additivity_error_is_sum_over_whole_less_one(whole: int, error: float) -> None:
    assert World([40, 80], whole).turns(6).found.additivity_error == pytest.approx(error)


def test_the_cost_is_a_pass_with_clocks_over_one_without() -> None:
    assert World([51, 52], 100).turns(5).found.cost == pytest.approx(1.03)


def test_pauses_that_hit_another_block_each_time_are_in_the_sum() -> None:
    rows = np.full((40, 4), 100, dtype=np.int64)
    rows[np.arange(40), np.arange(40) % 4] += 8
    found = Found(rows, rows.sum(axis=1), 1.0, 1.0)
    assert np.median(rows, axis=0).sum() == 400 and found.sum_s == pytest.approx(408e-9)
    assert found.additivity_error == pytest.approx(0) and sum(span.seconds for span in found.spans) == pytest.approx(found.sum_s)


def test_passes_that_were_cut_short_or_held_up_do_not_count() -> None:
    rows = np.asarray([[10, 20]] * 10 + [[1000, 20]] * 3 + [[1, 2]] * 2, dtype=np.int64)
    assert [span.seconds for span in Found(rows, rows.sum(axis=1), 1.0, 1.0).spans] == pytest.approx([10e-9, 20e-9])


def test_intervals_are_students_and_need_six_passes() -> None:
    rows = np.asarray([[value] for value in range(1, 21)], dtype=np.int64)
    span = Found(rows, rows[:, 0], 1.0, 1.0).spans[0]
    half = 2.20099 * np.std(np.arange(5, 17), ddof=1) / np.sqrt(12)  # of 5 .. 16, with eleven degrees of freedom
    assert (span.low_s, span.seconds, span.high_s) == pytest.approx([1e-9 * (10.5 + off) for off in (-half, 0, half)], rel=1e-4)
    few = Found(rows[:5], rows[:5, 0], 1.0, 1.0).spans[0]
    assert (few.low_s, few.high_s) == (None, None)


def test_what_was_kept_is_gone_on_from() -> None:
    first = World([10, 20], 30).turns(5).samples
    again = World([10, 20], 30).turns()
    again.resume(Samples.from_bytes(first.as_bytes(), turns=5))
    again.take()
    assert again.count == 6 and again.samples.as_bytes()[:len(first.as_bytes())] == first.as_bytes()
    assert again.spent_ns == 6 * 30


def test_enough_is_the_least_passes_and_seconds_or_the_most_passes() -> None:
    turns = World([10], 10).turns(10)
    assert turns.is_enough(Plan(least=10, seconds=0))
    assert not turns.is_enough(Plan(least=11, seconds=0))
    assert not turns.is_enough(Plan(least=10, seconds=1))
    assert turns.is_enough(Plan(least=10, seconds=1, most=10))
    assert turns.part(Plan(least=20, seconds=0)) == pytest.approx(0.5)


def test_warming_up_leaves_no_samples() -> None:
    world = World([10], 10)
    turns = world.turns()
    list(turns.warm(2))
    assert turns.count == 0 and "".join(world.order) == "bwbw"
