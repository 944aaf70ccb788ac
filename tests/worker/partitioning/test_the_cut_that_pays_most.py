"""Which transfer layer at which cut is tried first: the sum of ScissionTL's cost, over all cuts, layers and receivers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.partitioning.transfer.asking import Asked
from worker.partitioning.transfer.candidates import planned
from worker.partitioning.transfer.options import IDENTITY, read
from worker.partitioning.transfer.overhead import Overhead
from worker.partitioning.transfer.sides import Sides

LAYERS = tuple(map(read, ("identity", "max-pool", "max-pool, int8", "bottleneck 4, int8")))
SHAPES = {"one": (8, 16, 16), "two": (16, 8, 8), "three": (32, 1, 1)}
ASKED = Asked("", "net", (), 1, LAYERS, 0.01, 1, 5, 1, 0, 0.01, 64, 0, 0, "none", 20, 20, 10)
SECONDS = st.floats(1e-6, 0.1)


def sides(head: list[float], tail: list[float], latency_s: float = 0.01, bytes_per_s: float = 1e6, fast: float = 0.1) -> Sides:
    return Sides("pi", "rack", latency_s, bytes_per_s, dict(zip(SHAPES, head, strict=True)),
                 dict(zip(SHAPES, tail, strict=True)), (1.0, fast), (1.0, fast), is_profiled=True)


def overheads(took: Overhead) -> dict[tuple[str, tuple[int, ...]], Overhead]:
    return {(str(option), shape): took for option in LAYERS for shape in SHAPES.values() if not option.unfit(shape)}


@given(head=st.lists(SECONDS, min_size=3, max_size=3), tail=st.lists(SECONDS, min_size=3, max_size=3),
       took=st.builds(Overhead, SECONDS, SECONDS, SECONDS, st.just(0)), speed=st.floats(1e3, 1e9), fast=st.floats(0.01, 1))
def test_the_first_is_the_least_of_all_sums_and_each_sum_has_its_parts(
    head: list[float], tail: list[float], took: Overhead, speed: float, fast: float,
) -> None:
    pair = sides(head, tail, bytes_per_s=speed, fast=fast)
    order = planned(ASKED, [pair], SHAPES, overheads(took))
    assert len(order) == 4 + 4 + 1
    by_hand = {(after, str(option)): pair.head_s[after] + took.down_s + took.convert_s + 0.01
               + option.payload_bytes(shape) / speed + took.up_s * fast + pair.tail_s[after]
               for after, shape in SHAPES.items() for option in LAYERS if not option.unfit(shape)}
    for each in order:
        assert each.predicted_s == pytest.approx(by_hand[each.after, str(each.option)])
    assert [each.predicted_s for each in order] == sorted(each.predicted_s or 0 for each in order)


@given(head=st.lists(SECONDS, min_size=3, max_size=3), tail=st.lists(SECONDS, min_size=3, max_size=3), speed=st.floats(1e3, 1e9))
def test_with_more_layers_to_choose_from_nothing_gets_slower_and_with_identity_alone_it_is_the_raw_plan(
    head: list[float], tail: list[float], speed: float,
) -> None:
    pair, nothing = sides(head, tail, bytes_per_s=speed), Overhead(0.0, 0.0, 0.0, 0)
    raw = planned(replace(ASKED, layers=(IDENTITY,)), [pair], SHAPES, overheads(nothing))
    best = planned(ASKED, [pair], SHAPES, overheads(nothing))
    assert (best[0].predicted_s or 0) <= (raw[0].predicted_s or 0)
    assert raw[0].predicted_s == pytest.approx(min(
        pair.raw("", after, IDENTITY.payload_bytes(shape)).seconds(speed) for after, shape in SHAPES.items()))


def test_of_several_receivers_each_cut_and_layer_is_tried_with_the_better_one() -> None:
    slow, quick = sides([0.1] * 3, [0.5] * 3), sides([0.1] * 3, [0.2] * 3)
    order = planned(ASKED, [slow, quick], SHAPES, overheads(Overhead(0, 0, 0, 0)))
    assert {each.sides for each in order} == {1} and len(order) == len({(each.after, each.option) for each in order})


def test_both_halves_count_where_they_run_and_packing_as_on_the_slower_side() -> None:
    assert sides([0] * 3, [0] * 3, fast=0.1).overhead_s(Overhead(1.0, 2.0, 4.0, 0)) == pytest.approx(1 + 2 + 0.4)
    assert sides([0] * 3, [0] * 3, fast=3.0).overhead_s(Overhead(1.0, 2.0, 4.0, 0)) == pytest.approx(1 + 6 + 12)
