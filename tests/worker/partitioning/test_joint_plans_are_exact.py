"""Joint plans are those that counting out every plan of every version gives, whatever is asked of them."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from tests.worker.partitioning import joint_cases as cases
from tests.worker.partitioning import planner_cases
from worker.partitioning.joint.bounds import bounds
from worker.partitioning.joint.front import Outcome, front
from worker.partitioning.joint.versions import Layer, Variant, Version
from worker.partitioning.planner.checking import faults
from worker.partitioning.planner.problem import Problem, Resource

KINDS = list(planner_cases.asked(planner_cases.problem(0), 0))


def points(found: Outcome) -> list[cases.Point]:
    chosen = [found.standings[place] for place in found.front]
    return [(each.accuracy, round(each.seconds, 8)) for each in chosen]


def judged(variants: list[Variant], found: Outcome) -> None:
    """Every plan is judged by who shares nothing with the search; one with a transfer layer is cut where that is."""
    for each in found.standings:
        if each.plan is None:
            continue
        variant = variants[each.variant]
        assert not faults(variant.problem_of(each.version), each.plan, variant.asked)
        assert (len(each.plan.stages) == 1) == (each.version.form == "whole")
        if each.version.layer is not None:
            assert variant.layers[each.version.layer].cut in [hop.cut for hop in each.plan.hops]
    assert all(found.standings[place].plan for place in found.front)


@pytest.mark.parametrize("seed", range(30))
def test_the_whole_front(seed: int) -> None:
    variants = [cases.variant(3 * seed + number, has_ties=seed % 3 == 0) for number in range(3)]
    found = front(variants)
    assert points(found) == cases.unbeaten([point for each in variants for point in cases.counted_out(each)])
    judged(variants, found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_the_front_under_each_rule(seed: int, kind: str) -> None:
    variants = [cases.variant(500 + 2 * seed + number, [kind]) for number in range(2)]
    found = front(variants)
    assert points(found) == cases.unbeaten([point for each in variants for point in cases.counted_out(each)])
    judged(variants, found)


@pytest.mark.parametrize("seed", range(20))
def test_the_front_under_several_rules(seed: int) -> None:
    kinds = [KINDS[(seed + step) % len(KINDS)] for step in (0, 5, 11)]
    variants = [cases.variant(700 + 2 * seed + number, kinds) for number in range(2)]
    found = front(variants)
    assert points(found) == cases.unbeaten([point for each in variants for point in cases.counted_out(each)])
    judged(variants, found)


@pytest.mark.parametrize("seed", range(60))
def test_a_bound_is_never_above_the_best_plan_and_meets_it_where_it_says_so(seed: int) -> None:
    variant = cases.variant(900 + seed, [KINDS[seed % len(KINDS)]] if seed % 2 else [], layers=4)
    for version, bound in zip(variant.versions, bounds(variant), strict=True):
        plan = variant.best(version)
        seconds = plan.latency_s if plan else inf
        assert bound.seconds <= seconds + 1e-9
        if bound.is_exact:
            assert bound.seconds == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_offers_make_nothing_slower_and_without_any_loss_allowed_the_plan_is_the_one_without_them(seed: int) -> None:
    with_offers = [cases.variant(1100 + 2 * seed + number) for number in range(2)]
    without = [Variant(each.problem, each.asked, each.accuracy) for each in with_offers]
    every, plain = front(with_offers), front(without)
    for floor in (0.0, 0.3, 0.5, 0.7, 0.9):
        soonest, raw = every.within(floor=floor), plain.within(floor=floor)
        if raw:
            assert soonest
            assert every.standings[soonest[0]].seconds <= plain.standings[raw[0]].seconds + 1e-9
    worse = [Variant(each.problem, each.asked, 1.0, tuple(
        Layer(one.cut, one.bytes, one.down_s, one.up_s, 0.5) for one in each.layers)) for each in with_offers]
    found = front(worse).within(floor=1.0)
    assert all(front(worse).standings[place].version.layer is None for place in found)


def test_a_hop_with_a_transfer_layer_costs_what_its_halves_and_its_bytes_cost() -> None:
    """Spec 2b: head + down + round trip + bytes / bandwidth + up + tail."""
    resources = (Resource("pi", 0), Resource("rack", 2))
    links = np.array([[0.0, 0.02], [0.02, 0.0]])
    given = Problem(resources, np.array([[0.1, 0.5], [0.1, 0.05]]), np.array([9000, 1000, 10]), links, np.full((2, 2), 10_000.0))
    layer = Layer(1, 250, np.array([0.003, 0.1]), np.array([0.2, 0.004]), 0.9)
    found = front([Variant(given, (), 0.95, (layer,))])
    one = next(each for each in found.standings if each.version == Version("layer", 0))
    assert one.seconds == pytest.approx(0.1 + 0.003 + 0.02 + 250 / 10_000 + 0.004 + 0.05)
    assert one.plan is not None
    assert [hop.bytes for hop in one.plan.hops] == [250]


def test_what_cannot_enter_the_front_is_not_searched() -> None:
    variants = [cases.variant(seed, layers=40) for seed in range(1300, 1304)]
    found = front(variants)
    assert len(found.standings) == 4 * 42
    assert found.searched < 20
    for place, each in enumerate(found.standings):
        beater = found.beater(place)
        if place not in found.front and each.seconds < inf:
            assert beater is not None
            assert found.standings[beater].accuracy >= each.accuracy
            assert found.standings[beater].seconds <= each.seconds + 1e-9


def test_the_deadline_and_the_floor_pick_from_the_front() -> None:
    found = front([cases.variant(seed) for seed in range(1400, 1406)])
    seconds = [found.standings[place].seconds for place in found.front]
    middle = seconds[len(seconds) // 2]
    assert found.within(deadline_s=middle) == list(found.front[:len(seconds) // 2 + 1])
    floor = found.standings[found.front[-1]].accuracy
    assert found.within(floor=floor) == [found.front[-1]]
    assert found.within(deadline_s=seconds[0] / 2) == []
