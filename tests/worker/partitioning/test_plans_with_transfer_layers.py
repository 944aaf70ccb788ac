"""Transfer layers as an option of each cut: the best plans of all are those of counting out, in order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.worker.partitioning import answer_cases, joint_cases, planner_cases
from worker.partitioning import layered
from worker.partitioning.answering import answer
from worker.partitioning.joint.versions import Layer, Variant, Version
from worker.partitioning.planner import asking
from worker.partitioning.planner.asking import Objective
from worker.partitioning.planner.checking import faults
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem
from worker.partitioning.unfit import Unfit
from worker.planning import Answer, Question
from worker.planning.offers import Offer, OfferAsked
from worker.profile import NetworkProfile

KINDS = list(planner_cases.asked(planner_cases.problem(0), 0))
OBJECTIVES: tuple[Objective, ...] = ("latency", "throughput", "bytes", "energy")
OFFER = Offer(network="net", after="a", layer="max-pool, int8", bytes=6_250, raw_bytes=100_000, down_s=0.004, convert_s=0.001,
              up_s=0.02, device="pi", accuracy=0.93, accuracy_whole=0.95, n=500, dataset="digits")
SLOW = OFFER.model_copy(update={"layer": "slow", "down_s": 0.2, "accuracy": 0.95})


def variant(seed: int, asked: list[str], *, layers: int = 3) -> Variant:
    made = joint_cases.variant(seed, asked, layers=layers, has_ties=seed % 3 == 0)
    return replace(made, layers=tuple(replace(each, name=f"layer {place}") for place, each in enumerate(made.layers)))


def every(given: Variant) -> list[tuple[Problem, Plan]]:
    """All plans that keep what is asked, whole, split, or with one of the layers at its cut."""
    found = [(given.problem, plan) for plan in planner_cases.kept(given.problem, list(given.asked))]
    for place, layer in enumerate(given.layers):
        there = given.problem_of(Version("layer", place))
        found += [(there, replace(plan, layer=layer.name)) for plan in planner_cases.every(there)
                  if any(hop.cut == layer.cut for hop in plan.hops) and not faults(there, plan, given.asked)]
    return found


def worth(problem: Problem, plan: Plan, objective: Objective) -> float:
    assert problem.joules is not None
    names = [each.name for each in problem.resources]
    joules = sum(float(problem.joules[names.index(each.resource), each.first:each.stop].sum()) for each in plan.stages)
    return {"latency": plan.latency_s, "throughput": plan.bottleneck_s, "bytes": float(plan.bytes), "energy": joules}[objective]


def counted_out(given: Variant, objective: Objective, count: int) -> list[float]:
    """The least worths, of the same cuts on the same devices once."""
    least: dict[tuple[tuple[str, int], ...], float] = {}
    for problem, plan in every(given):
        key = tuple((each.resource, each.stop) for each in plan.stages)
        least[key] = min(least.get(key, float("inf")), worth(problem, plan, objective))
    return sorted(least.values())[:count]


def without_links(given: Variant) -> Variant:
    """What messages themselves take is not counted by plans that are asked for."""
    return replace(given, problem=replace(given.problem, joules_per_byte=None))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("seed", range(12))
def test_the_best_plans_in_order(seed: int, objective: Objective) -> None:
    given = without_links(variant(3000 + seed, [KINDS[seed % len(KINDS)]] if seed % 2 else []))
    for count in (1, 4, 12):
        found = layered.best(given, count=count, objective=objective)
        worths = [worth(layered.problem_of(given, plan), plan, objective) for plan in found]
        assert worths == pytest.approx(counted_out(given, objective, count), abs=1e-9)
        for plan in found:
            assert not faults(layered.problem_of(given, plan), plan, given.asked)
            cuts = [each.cut for each in given.layers if each.name == plan.layer]
            assert all(cut in [hop.cut for hop in plan.hops] for cut in cuts) and len(cuts) == bool(plan.layer)


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_plans_under_each_rule(kind: str) -> None:
    for seed in range(3):
        given = without_links(variant(3200 + seed, [kind]))
        found = layered.best(given, count=5)
        assert [plan.latency_s for plan in found] == pytest.approx(counted_out(given, "latency", 5), abs=1e-9)


@pytest.mark.parametrize("seed", range(15))
def test_a_plan_is_never_slower_for_what_is_offered_and_without_offers_it_is_the_planners_own(seed: int) -> None:
    """Spec 2f, invariant 5."""
    given = variant(3400 + seed, [])
    plain = asking.best(given.problem, given.asked, count=6)
    assert layered.best(replace(given, layers=()), count=6) == plain
    found = layered.best(given, count=6)
    assert all(mine.latency_s <= raw.latency_s + 1e-9 for mine, raw in zip(found, plain, strict=False))
    assert len(found) == len(plain)


@pytest.mark.parametrize("seed", range(10))
def test_plans_between_short_times_and_many_images(seed: int) -> None:
    given = without_links(variant(3500 + seed, []))
    points = {(round(plan.latency_s, 9), round(plan.bottleneck_s, 9)) for _, plan in every(given)}
    alive = {point for point in points if not any(
        other != point and other[0] <= point[0] + 1e-9 and other[1] <= point[1] + 1e-9 for other in points)}
    found = [(round(plan.latency_s, 9), round(plan.bottleneck_s, 9)) for plan in layered.pareto(given)]
    assert len(found) == len(alive)
    assert [value for point in found for value in point] == pytest.approx([value for point in sorted(alive) for value in point],
                                                                          abs=2e-9)


def asked(**more: object) -> tuple[Question, dict[str, NetworkProfile]]:
    """A megabyte a second. 600 ms on the pi, 960 on the rack, 250 split behind a, 163.25 with the layer there."""
    facts = {"offers": (OfferAsked(offer=OFFER),), "most_drop": 0.05, **more}
    return answer_cases.two([[0.1, 0.5], [0.01, 0.05]], [900_000, 100_000, 10], **facts)


def found(**more: object) -> Answer:
    return answer(*asked(**more))


def test_an_answer_says_what_the_layer_sends_costs_and_on_what_it_was_measured() -> None:
    told = found()
    best = told.plans[0]
    assert (best.words, round(best.latency_ms, 3)) == ("block 1 on pi, 2 on rack, with max-pool, int8 behind a", 163.25)
    assert told.verdict == ("Block 1 on pi, 2 on rack, with max-pool, int8 behind a: 163 ms, 3.68 times as fast as pi alone "
                            "(600 ms), 5.88 times as fast as rack alone (960 ms). It costs 2 points of accuracy: 93 % instead of "
                            "95 % of 500 test images of digits right.")
    layer = best.transfer
    assert layer is not None
    assert (layer.bytes, layer.raw_bytes, layer.device, layer.n, layer.dataset) == (6_250, 100_000, "pi", 500, "digits")
    assert (layer.down_ms, layer.up_ms, layer.raw_ms) == pytest.approx((5.0, 2.0, 250.0))
    assert (layer.accuracy, layer.accuracy_whole, layer.kind) == (0.93, 0.95, "predicted")
    assert [each.kind for each in best.stages] == ["measured", "predicted"]
    assert [each.bytes for each in best.hops] == [6_250]
    assert [each.key for each in told.plans] == ["1@pi/2@rack+max-pool%2C%20int8%20behind%20a", "2@pi", "2@rack"]
    assert told.layers == 1


def test_without_leave_or_offers_the_answer_is_the_same_as_ever() -> None:
    plain = found(offers=(), most_drop=None).model_copy(update={"took_ms": 0.0})
    for more in ({"most_drop": None}, {"offers": ()}, {"most_drop": 0.019}, {"most_drop": 0.0}):
        assert found(**more).model_copy(update={"took_ms": 0.0}) == plain
    assert plain.plans[0].latency_ms == pytest.approx(250) and plain.plans[0].transfer is None


def test_a_smaller_drop_never_makes_a_plan_faster_and_none_gives_the_plan_without() -> None:
    """Spec 2f, invariant 5: as the allowed drop goes to nothing the plan is the raw one."""
    offers = tuple(OfferAsked(offer=OFFER.model_copy(update={"layer": f"l{drop}", "accuracy": 0.95 - drop, "bytes": size}))
                   for drop, size in ((0.01, 50_000), (0.02, 20_000), (0.04, 2_000)))
    took = [found(offers=offers, most_drop=drop).plans[0].latency_ms for drop in (0.05, 0.04, 0.03, 0.02, 0.015, 0.01, 0.005, 0)]
    assert took == sorted(took)
    assert took[-1] == pytest.approx(250) and len(set(took)) == 4


@pytest.mark.parametrize("mbps", [0.5, 4, 30, 80, 104, 107, 120, 500, 5000])
def test_a_layer_is_taken_where_what_it_spares_on_the_link_is_more_than_it_takes(mbps: float) -> None:
    """Spec 2f, invariant 8: (raw bytes - bytes) / bandwidth > down + packing + up, here 7 ms, on the same cut."""
    spared_s = (100_000 - 6_250) / (mbps * 125_000)
    cut = found(roads=asked(mbps=mbps)[0].roads, rules=("use pi", "use rack")).plans[0]
    assert (cut.transfer is not None) == (spared_s > 0.007)


def test_rules_hold_with_the_layer_and_one_that_only_it_can_keep_is_kept() -> None:
    rules = ("use cloud", "pi sends at most 10 kB")
    assert found(rules=rules).plans[0].transfer is not None
    without = found(rules=rules, most_drop=None)
    assert without.plans == () and set(without.conflict) == set(rules)
    # Its first half is computing too.
    assert found(rules=("use pi", "use rack", "pi takes at most 104 ms")).plans[0].transfer is None


def test_who_wins_where_counts_plans_with_the_layer() -> None:
    told = found(range={"sender": "pi", "receiver": "rack", "low": 0.01, "high": 1e5})
    assert [band.plan.transfer is not None for band in told.bands] == [False, True, False]
    # Until sending the raw input, 893,750 bytes more, takes less than 97 ms.
    assert told.bands[1].high == pytest.approx(8 * 893_750 / 0.097 / 1e6)
    assert told.stays is not None and told.stays.plan.key == told.plans[0].key


def test_what_does_not_fit_is_left_out_and_said() -> None:
    assert "no block of its profiles ends with z" in " ".join(
        found(offers=(OfferAsked(offer=OFFER.model_copy(update={"after": "z"})),)).warnings)
    twice = found(offers=(OfferAsked(offer=OFFER), OfferAsked(offer=OFFER.model_copy(update={"bytes": 1}))))
    assert twice.layers == 1 and twice.plans[0].bytes == 6_250


def test_a_layer_that_is_slower_than_its_cut_without_it_is_not_taken() -> None:
    told = found(offers=(OfferAsked(offer=SLOW),))
    assert told.plans[0].transfer is None and told.layers == 1


def test_layers_that_cannot_enter_the_list_are_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    given = variant(3700, [], layers=40)
    given = replace(given, layers=tuple(Layer(each.cut, each.bytes, each.down_s + 100, each.up_s, 0.5, 0, each.name)
                                        for each in given.layers))
    searched = list[Problem]()
    plain = asking.best

    def counting(problem: Problem, *args: object, **more: object) -> list[Plan]:
        searched.append(problem)
        return plain(problem, *args, **more)  # type: ignore[arg-type]
    monkeypatch.setattr(asking, "best", counting)
    layered.best(given, count=1)
    assert len(searched) == 1


def test_a_layer_that_every_plan_must_have_is_told_even_where_the_same_cut_is_faster_without_it() -> None:
    fast, cut = asked(mbps=5000)[0].roads, ("use pi", "use rack")
    assert found(roads=fast, rules=cut).plans[0].transfer is None
    told = found(roads=fast, rules=cut, only_layer=OFFER.title, pareto=True)
    assert [each.transfer and each.transfer.title for each in (*told.plans, *told.pareto)] == [OFFER.title] * 2
    assert told.plans[0].latency_ms == pytest.approx(150 + 7 + 6_250 / 5000 / 125)
    assert found(only_layer=OFFER.title).plans[0] == found().plans[0]


@pytest.mark.parametrize("more", [{"offers": ()}, {"most_drop": None}, {"most_drop": 0.0}, {"only_layer": "other behind a"}])
def test_a_layer_that_every_plan_must_have_and_that_none_may_have_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(Unfit) as refused:
        found(**{"only_layer": OFFER.title, **more})
    assert "is not offered here" in refused.value.faults["only_layer"]
