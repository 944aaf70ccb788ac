"""What a joint answer says: by hand on a small problem, against the judge on random ones, and of the example."""

from __future__ import annotations

import pytest

from tests.worker.partitioning import answer_cases
from worker.partitioning.joint.answering import joint_answer
from worker.partitioning.planner.checking import faults
from worker.partitioning.posing import posed
from worker.partitioning.unfit import Unfit
from worker.planning import Question, joint_example
from worker.planning.joint_answer import JointAnswer, interval
from worker.planning.joint_question import JointQuestion, Runner, VariantAsked
from worker.planning.offers import Offer, OfferAsked
from worker.planning.question import Place, Road
from worker.profile import NetworkProfile

PROFILES = {"big pi": answer_cases.profile([0.1, 0.5], [900_000, 100_000, 10]),
            "big rack": answer_cases.profile([0.01, 0.05], [900_000, 100_000, 10]),
            "small pi": answer_cases.profile([0.05, 0.1], [900_000, 50_000, 10]),
            "small rack": answer_cases.profile([0.005, 0.01], [900_000, 50_000, 10])}
OFFER = Offer(network="big", after="a", layer="max-pool, int8", bytes=6_250, raw_bytes=100_000, down_s=0.004, convert_s=0.001,
              up_s=0.02, device="pi", accuracy=0.93, accuracy_whole=0.95, n=500, dataset="digits")


def asked(**more: object) -> JointQuestion:
    """A link of a megabyte a second. Big: 600 ms on the pi, 960 on the rack, 250 split, 163.25 with the layer."""
    variants = tuple(VariantAsked(name=name, accuracy=accuracy, n=500, profiles={"pi": f"{name} pi", "rack": f"{name} rack"})
                     for name, accuracy in (("big", 0.95), ("small", 0.9)))
    facts = {"runners": (Runner(device="pi", tier=0), Runner(device="rack", tier=2)), "variants": variants, "dataset": "digits",
             "roads": (Road(sender="pi", receiver="rack", latency_ms=0, bandwidth_mbps=8),), "offers": (OfferAsked(offer=OFFER),)}
    return JointQuestion.model_validate({**facts, **more})


def named() -> dict[str, NetworkProfile]:
    return {key: profile.model_copy(update={"network": key.split()[0]}) for key, profile in PROFILES.items()}


def front(found: JointAnswer) -> list[tuple[str, float, float]]:
    return [(found.versions[place].name, round(found.versions[place].latency_ms or 0, 3), found.versions[place].accuracy)
            for place in found.front]


def test_the_front_by_hand() -> None:
    found = joint_answer(asked(), named())
    # down and packing 5 ms; 6,250 bytes 6.25 ms; up 20 ms on the pi, a tenth of that on the rack, as the whole network is.
    assert front(found) == [("small, split", 110.0, 0.9), ("big with max-pool, int8 behind a", 163.25, 0.93),
                            ("big, split", 250.0, 0.95)]
    layer = found.versions[found.front[1]].transfer
    assert layer is not None
    assert (layer.bytes, layer.raw_bytes, layer.cut, layer.kind) == (6_250, 100_000, 1, "predicted")
    assert (layer.down_ms, layer.up_ms) == pytest.approx((5.0, 2.0))
    plan = found.versions[found.front[1]].plan
    assert plan is not None
    assert [stage.kind for stage in plan.stages] == ["measured", "predicted"]
    assert plan.latency_ms == pytest.approx(sum([*(each.ms for each in plan.stages), *(each.ms for each in plan.hops)]))


def test_the_deadline_the_floor_and_the_goal_choose() -> None:
    def choice(**more: object) -> str:
        chosen = joint_answer(asked(**more), named()).choice
        return chosen.name if chosen else ""
    assert choice() == "big, split"
    assert choice(goal="latency") == "small, split"
    assert choice(deadline_ms=200) == "big with max-pool, int8 behind a"
    assert choice(floor=0.92, goal="latency") == "big with max-pool, int8 behind a"
    assert choice(deadline_ms=163.25, floor=0.93) == "big with max-pool, int8 behind a"
    late = joint_answer(asked(deadline_ms=50), named())
    assert late.choice is None
    assert late.sorry == "Nothing comes within 50 ms: the soonest, small, split, takes 110 ms."
    high = joint_answer(asked(floor=0.99), named())
    assert high.sorry == "Nothing is right in 99 % of the images: the most accurate, big, split, is in 95 %."
    both = joint_answer(asked(deadline_ms=120, floor=0.92), named())
    assert both.sorry == ("Nothing of at least 92 % comes within 120 ms: the soonest, big with max-pool, int8 behind a, takes "
                          "163 ms.")


def test_what_is_said_of_the_choice_and_its_neighbours() -> None:
    found = joint_answer(asked(deadline_ms=200), named())
    assert found.verdict == ("big with max-pool, int8 behind a: block 1 on pi, 2 on rack, 163 ms, 93 % right, n = 500.")
    assert found.gain == "big in one piece takes 600 ms at best (on pi): 3.68 times as long, for 2 points more."
    assert found.choice is not None
    assert found.choice.why == ("small, split comes 53.2 ms sooner, but is 3 points less accurate. "
                                "big, split is 2 points more accurate, but takes 86.8 ms longer, past the deadline.")
    whole = next(each for each in found.versions if each.name == "big, whole")
    assert whole.why == "big, split is 350 ms sooner and as accurate."
    assert whole.beaten_by == found.versions.index(next(each for each in found.versions if each.name == "big, split"))


def test_without_a_limit_the_choice_says_why_it_is_that_one() -> None:
    told = "Without a deadline or a least accuracy the {} is chosen. "
    assert joint_answer(asked(), named()).gain.startswith(told.format("most accurate"))
    assert joint_answer(asked(goal="latency"), named()).gain.startswith(told.format("soonest"))
    for limit in ({"deadline_ms": 200}, {"floor": 0.93}):
        assert "Without a deadline" not in joint_answer(asked(**limit), named()).gain


def test_one_that_the_images_cannot_tell_from_the_choice_and_comes_sooner_is_said_beside_it() -> None:
    near = ("Inside the interval of its 500 images: big with max-pool, int8 behind a, which comes 86.8 ms sooner for 2 points "
            "less.")
    assert joint_answer(asked(), named()).gain.endswith(near)
    assert joint_answer(asked(floor=0.93), named()).gain.endswith(near)
    for told in ({"floor": 0.94}, {"goal": "latency"}, {"deadline_ms": 200}):
        assert "Inside the interval" not in joint_answer(asked(**told), named()).gain


def test_what_is_beaten_says_of_what_kind_its_time_is() -> None:
    made = {key: each.model_copy(update={"origin": "emulated"}) for key, each in named().items()}
    assert {each.kind for each in joint_answer(asked(), made).versions} == {"emulated"}
    assert {each.kind for each in joint_answer(asked(), named()).versions} == {"predicted"}
    mixed = joint_answer(asked(), named() | {"big rack": made["big rack"]}).versions
    assert {each.kind for each in mixed} == {"predicted", "emulated"}
    assert all(each.kind == each.plan.kind for each in mixed if each.plan)


def test_rules_are_kept_by_every_version() -> None:
    small = joint_answer(asked(rules=("pi sends at most 10 kB",)), named())
    assert front(small) == [("small, whole", 150.0, 0.9), ("big with max-pool, int8 behind a", 163.25, 0.93),
                            ("big, whole", 600.0, 0.95)]
    # The first half of the transfer layer is computing too.
    short = joint_answer(asked(rules=("pi takes at most 104 ms", "raw input stays")), named())
    assert "big with max-pool, int8 behind a" not in [name for name, _, _ in front(short)]
    assert "big, split" in [name for name, _, _ in front(short)]


def test_a_layer_that_every_version_must_have_is_told_even_where_it_is_beaten_without_it() -> None:
    fast = (Road(sender="pi", receiver="rack", latency_ms=0, bandwidth_mbps=5000),)
    assert not any("max-pool" in name for name, _, _ in front(joint_answer(asked(roads=fast), named())))
    found = joint_answer(asked(roads=fast, only_layer=OFFER.title), named())
    assert front(found) == [("big with max-pool, int8 behind a", pytest.approx(157.01), 0.93)]
    assert len(found.versions) == 1 and found.choice == found.versions[0] and found.choice.plan is not None
    with pytest.raises(Unfit) as refused:
        joint_answer(asked(only_layer="other behind a"), named())
    assert "is not offered here" in refused.value.faults["only_layer"]


def test_rules_that_nothing_keeps_are_named() -> None:
    found = joint_answer(asked(rules=("use cloud", "leave out cloud")), named())
    assert found.front == ()
    assert found.conflict == ("use cloud", "leave out cloud")
    assert found.sorry == ("The rules “use cloud” and “leave out cloud” cannot be kept together by any version. Leave one out or "
                           "change it.")


def test_what_does_not_fit_is_left_out_and_said() -> None:
    def warnings(**changes: object) -> str:
        offer = OFFER.model_copy(update=changes)
        return " ".join(joint_answer(asked(offers=(OfferAsked(offer=offer),)), named()).warnings)
    assert "no block of its profiles ends with z" in warnings(after="z")
    assert "no block of its profiles ends with b" in warnings(after="b")
    assert "measured on faces, the others' on digits" in warnings(dataset="faces")
    assert "it is of another network" in warnings(raw_bytes=50_000)
    assert "no such variant is planned" in warnings(network="other")
    assert "taken as they are on every device" in warnings(device="nobody")
    without = asked().model_dump()
    without["variants"][0]["profiles"].pop("pi")
    found = joint_answer(JointQuestion.model_validate(without), named())
    assert "big is left out: it has no profile on pi" in " ".join(found.warnings)


def test_another_file_of_the_network_is_said() -> None:
    known = {key: each.model_copy(update={"sha256": "ab" * 32}) for key, each in named().items()}
    offer = OFFER.model_copy(update={"network_sha256": "cd" * 32})
    found = joint_answer(asked(offers=(OfferAsked(offer=offer),)), known)
    assert "their SHA-256 differ" in " ".join(found.warnings) and len(found.front) == 3


def test_times_of_a_device_outside_are_scaled_by_what_the_network_takes_there() -> None:
    offer = OFFER.model_copy(update={"device": "bench"})
    found = joint_answer(asked(offers=(OfferAsked(offer=offer, reference_s=1.2),)), named())
    layer = next(each.transfer for each in found.versions if each.transfer)
    assert layer is not None
    assert (layer.down_ms, layer.up_ms) == pytest.approx((2.5, 1.0))


def test_what_cannot_be_asked_is_said_at_its_field() -> None:
    with pytest.raises(Unfit) as wrong:
        joint_answer(asked(rules=("blocks 9 in cloud",)), named())
    assert "rules.0" in wrong.value.faults
    uneven = named() | {key: answer_cases.profile([0.1, 0.1, 0.1], [9, 9, 9, 9]) for key in ("small pi", "small rack")}
    with pytest.raises(Unfit) as apart:
        joint_answer(asked(rules=("blocks 1 in device",)), uneven)
    assert "are counted in one network" in apart.value.faults["rules.0"]


def test_every_plan_of_the_example_is_right_by_the_judge() -> None:
    """Counted again from the profiles and the offer alone."""
    roads = tuple(Road(sender=a, receiver=b, latency_ms=ms, bandwidth_mbps=mbps)
                  for (one, other), (ms, mbps) in joint_example.LINKS.items() for a, b in ((one, other), (other, one)))
    question = JointQuestion(
        runners=tuple(Runner(device=each.name, tier=each.tier) for each in joint_example.MACHINES), roads=roads,
        variants=tuple(VariantAsked(name=name, accuracy=accuracy, n=joint_example.N, profiles={
            each.name: joint_example.key(name, each.name) for each in joint_example.MACHINES})
            for name, accuracy in joint_example.accuracies().items()),
        offers=tuple(OfferAsked(offer=each) for each in joint_example.offers()), rules=("raw input stays",))
    found = joint_answer(question, joint_example.profiles())
    assert len(found.versions) == 5 * (2 + 66)
    assert {found.versions[place].form for place in found.front} == {"split", "layer"}
    for place in found.front:
        each = found.versions[place]
        assert each.plan is not None
        places = tuple(Place(device=one.name, tier=one.tier, profile=joint_example.key(each.variant, one.name))
                       for one in joint_example.MACHINES)
        own = posed(Question(network=each.variant, places=places, roads=roads, rules=question.rules), joint_example.profiles())
        problem, seconds, sizes = own.problem, own.problem.seconds.copy(), own.problem.crossing_bytes.copy()
        if each.transfer:
            cut = each.transfer.cut
            seconds[own.place(each.transfer.sender), cut - 1] += each.transfer.down_ms / 1e3
            seconds[own.place(each.transfer.receiver), cut] += each.transfer.up_ms / 1e3
            sizes[cut] = each.transfer.bytes
        changed = type(problem)(problem.resources, seconds, sizes, problem.latency_s, problem.bytes_per_s)
        assert not faults(changed, answer_cases.plan_of(each.plan), own.constraints)


def test_an_interval_holds_the_accuracy_and_narrows_with_images() -> None:
    low, high = interval(0.9, 100)
    closer = interval(0.9, 10_000)
    assert low is not None and high is not None and closer[0] is not None
    assert low < closer[0] < 0.9 < high
    assert interval(1.0, 50)[1] == 1.0
    assert interval(0.9, None) == (None, None)
