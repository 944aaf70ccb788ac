"""Answers small enough to be worked out by hand, sentence by sentence."""

from __future__ import annotations

import pytest

from tests.worker.partitioning import answer_cases as cases
from worker.partitioning.answering import answer
from worker.planning import Answer
from worker.planning.question import Place, Range, Road

# On pi 100 + 400 ms, on rack 10 + 40 ms; input 0.6 MB, 0.1 MB between, 0.01 MB the result; a megabyte a second.
SECONDS, SIZES = [[0.1, 0.4], [0.01, 0.04]], [600_000, 100_000, 10_000]


def asked(**more: object) -> Answer:
    question, profiles = cases.two(SECONDS, SIZES, **more)  # type: ignore[arg-type]
    return answer(question, profiles)


def test_the_plan_its_parts_and_what_it_gains() -> None:
    """pi alone 500 ms; rack alone 600 + 50; cut between them 100 + 100 + 40 = 240."""
    found = asked()
    best = found.plans[0]
    assert [plan.latency_ms for plan in found.plans] == pytest.approx([240, 500, 650])
    assert (best.words, best.key) == ("block 1 on pi, 2 on rack", "1@pi/2@rack")
    assert [(stage.device, stage.first, stage.last, stage.first_layer, stage.last_layer) for stage in best.stages] == [
        ("pi", 1, 1, "a", "a"), ("rack", 2, 2, "b", "b")]
    assert [(hop.sender, hop.receiver, hop.cut, hop.bytes, hop.ms) for hop in best.hops] == [
        ("pi", "rack", 1, 100_000, pytest.approx(100))]
    assert (best.compute_ms, best.transfer_ms, best.per_second, best.bytes) == pytest.approx((140, 100, 10, 100_000))
    assert found.verdict == ("Block 1 on pi, 2 on rack: 240 ms, 2.08 times as fast as pi alone (500 ms), 2.71 times as fast as "
                             "rack alone (650 ms).")
    assert (found.blocks, found.cuts, found.input_bytes, found.warnings, found.sorry) == (2, 1, 600_000, (), "")


def test_every_native_says_by_how_much_and_through_what_it_is_slower() -> None:
    assert [(native.device, native.rank, native.why) for native in asked().natives] == [
        ("pi", 2, "2.08 times as slow as the best plan (500 ms instead of 240 ms): "
                  "computing takes 360 ms longer, sending 100 ms less."),
        ("rack", 3, "2.71 times as slow as the best plan (650 ms instead of 240 ms): "
                    "sending takes 500 ms longer, computing 90 ms less.")]


def test_a_native_that_the_rules_forbid_says_whether_it_would_win_without_them() -> None:
    rule = "rack takes at most 45 ms"
    pi, rack = asked(mbps=800.0, rules=(rule, "raw input stays")).natives
    assert rack.why == ("Not allowed: it takes more than 45 ms on rack and sends the raw input; without these rules it would be "
                        "the best.")
    assert rack.broken == (rule, "raw input stays") and rack.plan is not None and rack.rank is None
    assert pi.broken == () and pi.rank == 2
    assert asked(rules=("raw input stays",)).natives[1].why == (
        "Not allowed: it sends the raw input; without that rule it would still come behind, 2.71 times as slow as the best plan "
        "(650 ms instead of 240 ms): sending takes 500 ms longer, computing 90 ms less.")


def test_a_native_that_beats_the_best_allowed_plan_but_not_all_others_says_so() -> None:
    """Without rules the cut, 240 ms; with them 650 ms on rack, where 500 ms on pi are not allowed."""
    found = asked(rules=("leave out device",))
    assert found.plans[0].latency_ms == pytest.approx(650)
    assert found.natives[0].why == ("Not allowed: it uses device; without that rule it would come before the best plan, and "
                                    "others before it.")
    assert found.verdict == ("All blocks on rack: 650 ms, 1.3 times as slow as pi alone (500 ms), which a rule forbids.")


def test_a_device_that_no_link_leads_to_or_back_from_says_so() -> None:
    question, profiles = cases.two(SECONDS, SIZES)
    one_way = question.model_copy(update={"roads": question.roads[:1], "returns": True})
    assert answer(question.model_copy(update={"roads": ()}), profiles).natives[1].why == "No link leads from pi to rack."
    native = answer(one_way, profiles).natives[1]
    assert (native.plan, native.why) == (None, "No link leads back from rack to pi, where the result must return.")


def test_the_result_comes_back_where_it_must() -> None:
    best = asked(returns=True, latency_ms=5.0).plans[0]
    assert best.latency_ms == pytest.approx(240 + 2 * 5 + 10) and [hop.cut for hop in best.hops] == [1, 2]


def test_rules_that_conflict_are_said_in_a_sentence() -> None:
    found = asked(rules=("use rack", "pi sends at most 1 kB", "at most 1 crossing tensor"))
    assert found.conflict == ("use rack", "pi sends at most 1 kB") and not found.plans
    assert found.sorry == ("The rules “use rack” and “pi sends at most 1 kB” cannot be kept together. Leave one out or change "
                           "it.")
    assert [native.why for native in found.natives] == [
        "Not allowed: it does not use rack; without that rule it would be the best.",
        "Not allowed: it sends more than 1 kB from pi in one message."]
    assert asked(rules=("use edge",)).sorry == (
        "The rule “use edge” cannot be kept: no device is in the tier edge. Leave one out or change it.")


def test_a_devices_name_that_is_a_tiers_word_is_not_taken_for_an_empty_tier() -> None:
    question, profiles = cases.two(SECONDS, SIZES)
    places = (Place(device="edge", tier=0, profile="p"), Place(device="rack", tier=2, profile="r"))
    roads = (Road(sender="edge", receiver="rack", latency_ms=0, bandwidth_mbps=8),)
    renamed = question.model_copy(update={"places": places, "roads": roads, "rules": ("use edge", "leave out edge")})
    assert answer(renamed, profiles).sorry == (
        "The rules “use edge” and “leave out edge” cannot be kept together. Leave one out or change it.")


def test_a_word_is_a_devices_name_before_it_is_a_tiers() -> None:
    """A device called cloud stands at the sensor."""
    question, profiles = cases.two(SECONDS, SIZES)
    places = (Place(device="cloud", tier=0, profile="p"), Place(device="rack", tier=2, profile="r"))
    roads = (Road(sender="cloud", receiver="rack", latency_ms=0, bandwidth_mbps=8),)
    renamed = question.model_copy(update={"places": places, "roads": roads, "rules": ("leave out cloud",)})
    assert [plan.words for plan in answer(renamed, profiles).plans] == ["all blocks on rack"]


def test_the_first_device_of_the_lowest_tier_holds_the_input() -> None:
    question, profiles = cases.two(SECONDS, SIZES)
    turned = question.model_copy(update={"places": question.places[::-1]})
    assert [native.device for native in answer(turned, profiles).natives] == ["pi", "rack"]
    assert answer(turned, profiles).plans == answer(question, profiles).plans


@pytest.mark.parametrize(("objective", "verdict", "why"), [
    ("throughput", "Block 1 on pi, 2 on rack: 10 images a second, 5 times as fast as pi alone (2 images a second), 6 times as "
     "fast as rack alone (1.67 images a second).",
     "Images follow each other every 500 ms instead of 100 ms; its slowest part is computing on pi."),
    ("bytes", "All blocks on pi: 0 bytes sent, less than rack alone (0.6 MB sent).", "")])
def test_other_objectives_have_their_own_words(objective: str, verdict: str, why: str) -> None:
    found = asked(objective=objective)
    assert (found.verdict, found.natives[0].why) == (verdict, why)


def test_energy_counts_computing_where_all_devices_know_it() -> None:
    question, profiles = cases.two(SECONDS, SIZES, objective="energy")
    told = {}
    for (key, profile), joules in zip(profiles.items(), (3.0, 0.5), strict=True):
        blocks = tuple(block.model_copy(update={"joules": joules}) for block in profile.blocks)
        told[key] = profile.model_copy(update={"blocks": blocks})
    found = answer(question, told)
    assert [plan.joules for plan in found.plans] == [1.0, 3.5, 6.0]
    assert found.natives[0].why == "It takes 6 J instead of 1 J."
    assert found.warnings == ("Energy is that of computing; what links take is not known, and not counted.",)


def test_work_only_moves_up_so_a_link_within_the_tier_that_holds_the_input_is_used_by_no_plan() -> None:
    question, profiles = cases.two(SECONDS, SIZES)
    twin = question.places[1].model_copy(update={"device": "zz-pi", "tier": 0})
    roads = tuple(Road(sender=a, receiver=b, latency_ms=0, bandwidth_mbps=1e6) for a, b in (("pi", "zz-pi"), ("zz-pi", "pi")))
    varied = Range(sender="pi", receiver="zz-pi", low=1, high=1e6)
    found = answer(question.model_copy(update={"places": (*question.places, twin), "roads": (*question.roads, *roads),
                                               "range": varied}), profiles)
    assert [plan.words for plan in found.plans] == [plan.words for plan in answer(question, profiles).plans]
    assert [band.plan.key for band in found.bands] == [found.plans[0].key]
    native = next(each for each in found.natives if each.device == "zz-pi")
    assert (native.plan, native.why) == (None, "No link leads up: zz-pi is of the same tier as pi, which holds the input.")
