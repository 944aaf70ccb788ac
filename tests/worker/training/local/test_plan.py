"""The plan is computed by hand here: batches, blocks and bytes, and what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.training.local.plan import Budget, Infeasible, Want, one_sweep, planned, whole
from worker.training.memory.demand import Demand


def want(fixed: int, per_sample: int, resident: int = 0, least: int = 1, name: str = "unit") -> Want:
    return Want(name, Demand(((fixed, per_sample),)), resident, least)


def budget(size: int, cap: int = 256, tolerance: float = 0.4) -> Budget:
    return Budget(size, margin=0.0, cap=cap, tolerance=tolerance)


def test_units_of_like_batches_form_a_block_with_the_smallest() -> None:
    plan = planned([want(100, 100), want(100, 90), want(100, 30), want(100, 25), want(100, 10)], budget(1000))
    assert [unit.largest_batch for unit in plan.units] == [9, 10, 30, 36, 90]
    assert [(block.first, block.last, block.batch) for block in plan.blocks] == [(1, 2, 9), (3, 4, 30), (5, 5, 90)]
    assert [block.predicted_bytes for block in plan.blocks] == [1000, 1000, 1000]


def test_a_block_ends_where_its_resident_weights_leave_too_little_for_the_batch() -> None:
    heavy = [want(400, 10, resident=300) for _ in range(3)]
    plan = planned(heavy, budget(1000))
    assert [unit.largest_batch for unit in plan.units] == [60, 60, 60]
    assert [(block.first, block.last, block.batch) for block in plan.blocks] == [(1, 1, 60), (2, 2, 60), (3, 3, 60)]
    assert [(block.last, block.batch) for block in planned(heavy, budget(1000, tolerance=0.6)).blocks] == [(2, 30), (3, 60)]


def test_the_first_unit_of_a_block_is_the_reference() -> None:
    drifting = [want(0, 10), want(0, 8), want(0, 6), want(0, 5)]  # 100, 125, 166, 200
    assert [(block.first, block.last) for block in planned(drifting, budget(1000)).blocks] == [(1, 2), (3, 4)]


def test_a_cap_on_the_batch_has_no_say_in_where_blocks_end() -> None:
    units = [want(100, 100), want(100, 90), want(100, 30), want(100, 25), want(100, 10)]
    plan = planned(units, budget(1000, cap=8))
    assert [unit.largest_batch for unit in plan.units] == [8, 8, 8, 8, 8]
    assert [(block.first, block.last, block.batch) for block in plan.blocks] == [(1, 2, 8), (3, 4, 8), (5, 5, 8)]


def test_a_margin_is_kept_free() -> None:
    assert [block.batch for block in planned([want(0, 10)], Budget(1000, margin=0.05)).blocks] == [95]


def test_an_infeasible_budget_is_refused_with_the_bytes_that_are_needed() -> None:
    units = [want(0, 10), want(900, 100, least=2, name="stem.conv")]
    with pytest.raises(Infeasible, match=r"is too small: unit 2 \(stem.conv\) needs 1.1 kB for two samples") as refused:
        planned(units, budget(1000))
    assert refused.value.needed_bytes == 1100
    assert planned(units, budget(1100)).blocks[-1].batch == 2
    with pytest.raises(Infeasible, match="for one sample"):
        whole(want(900, 200), budget(1000))


def test_one_sweep_keeps_all_weights_resident_and_says_what_that_needs() -> None:
    units = [want(300, 10, resident=200), want(300, 10, resident=200)]
    (block,) = one_sweep(units, budget(1000)).blocks
    assert (block.first, block.last, block.batch, block.predicted_bytes) == (1, 2, 50, 1000)
    with pytest.raises(Infeasible, match="is too small: a training step of all 2 units together needs") as refused:
        one_sweep(units, budget(505))
    assert refused.value.needed_bytes == 510


def test_a_plan_is_plain_data() -> None:
    plan = planned([want(100, 100), want(100, 10)], budget(1000))
    told = json.loads(json.dumps(plan.as_json()))
    assert told == plan.as_json()
    assert told["blocks"][1] == {"first": 2, "last": 2, "batch": 90, "predicted_bytes": 1000, "resident_bytes": 0}
    assert told["predicted_bytes"] == 1000


WANTS = st.lists(st.builds(
    lambda moments, resident, least: Want("unit", Demand.of(moments), min(resident, max(m[0] for m in moments)), least),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 500)), min_size=1, max_size=4), st.integers(0, 2000),
    st.integers(1, 2)), min_size=1, max_size=8)


@given(wants=WANTS, size=st.integers(1, 60_000), margin=st.sampled_from([0.0, 0.05, 0.2]), tolerance=st.floats(0, 1))
def test_every_plan_keeps_what_it_promises(wants: list[Want], size: int, margin: float, tolerance: float) -> None:
    rules = Budget(size, margin, 64, tolerance)
    try:
        plan = planned(wants, rules)
    except Infeasible as refused:
        assert refused.needed_bytes > size
        planned_again = [unit for unit in wants if rules.needed(unit.demand.bytes(unit.least)) == refused.needed_bytes]
        assert planned_again
        return
    assert [number for block in plan.blocks for number in block.numbers] == list(range(1, len(wants) + 1))
    for unit, each in zip(plan.units, wants, strict=True):
        assert each.demand.bytes(unit.largest_batch) <= rules.usable
        assert unit.largest_batch == rules.cap or each.demand.bytes(unit.largest_batch + 1) > rules.usable
    for block in plan.blocks:
        inside = [wants[number - 1] for number in block.numbers]
        resident = sum(each.resident_bytes for each in inside)
        room = [each.demand.beside(resident - each.resident_bytes) for each in inside]
        assert block.predicted_bytes == max(each.bytes(block.batch) for each in room) <= rules.usable
        assert block.batch == min(each.largest(rules.usable, rules.cap) for each in room) >= max(each.least for each in inside)
        if len(inside) == 1:
            assert block.batch == plan.units[block.first - 1].largest_batch
    uncapped = planned(wants, replace(rules, cap=10**9))
    assert [block.numbers for block in plan.blocks] == [block.numbers for block in uncapped.blocks]


@given(wants=WANTS, size=st.integers(1, 60_000), more=st.integers(0, 10_000))
def test_a_larger_budget_never_lowers_a_largest_batch(wants: list[Want], size: int, more: int) -> None:
    for each in wants:
        assert each.demand.largest(size + more, 256) >= each.demand.largest(size, 256)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**7)), min_size=1, max_size=6), st.integers(0, 10**10))
def test_the_largest_batch_is_the_largest(moments: list[tuple[int, int]], size: int) -> None:
    demand = Demand.of(moments)
    assert all(demand.bytes(batch) == max(a + s * batch for a, s in moments) for batch in (1, 2, 77))
    found = demand.largest(size, 256)
    assert found == 0 or demand.bytes(found) <= size
    assert found == 256 or demand.bytes(found + 1) > size
