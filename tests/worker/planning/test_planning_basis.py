"""Of all that is known, what a plan rests on: which profile speaks, in what order devices stand, what they are called."""

from __future__ import annotations

from typing import Any

from tests.worker.recipes.measured import linked
from worker.evidence import DeviceFacts, Evidence, LinkFacts, Seen
from worker.planning.basis import basis, faults
from worker.planning.question import MOST_DEVICES
from worker.profile import Block, NetworkProfile


def told(device: str, ms: float = 1.0, **more: Any) -> Seen:
    block = Block(first="a", last="b", seconds=ms / 1e3, output_bytes=4)
    return Seen(device=device, profile=NetworkProfile(network="net", blocks=(block,), **more))


def known(*seen: Seen, **tiers: str) -> Evidence:
    return Evidence(devices=tuple(DeviceFacts(id=name, name=name, tier=tier) for name, tier in tiers.items()), profiles=seen)


def test_devices_stand_by_tier_then_by_name_or_as_they_were_wanted() -> None:
    evidence = known(*map(told, ("z", "b", "a", "r")), z="device", b="edge", a="edge", r="cloud")
    assert [each.name for each in basis(evidence, "net").devices] == ["z", "a", "b", "r"]
    assert [each.name for each in basis(evidence, "net", ("b", "a")).devices] == ["b", "a"]


def test_a_profile_like_the_first_devices_speaks_then_a_measured_one_then_the_newest() -> None:
    evidence = known(told("a", 1, engine="torch"), told("b", 2, engine="onnxruntime"), told("b", 3, engine="torch"),
                     told("c", 4, origin="predicted"), told("c", 5, engine="tflite"), told("c", 6, engine="other"),
                     a="device", b="edge", c="cloud")
    spoken = basis(evidence, "net").profiles
    assert {name: round(1e3 * profile.total_s) for name, profile in spoken.items()} == {"a": 1, "b": 3, "c": 5}


def test_a_shared_device_that_is_called_as_an_own_one_gets_a_number() -> None:
    evidence = Evidence(devices=tuple(DeviceFacts(id=key, name="pi", tier="device") for key in ("1", "2")),
                        profiles=(told("1"), told("2")))
    assert basis(evidence, "net").names == {"1": "pi", "2": "pi (2)"}


def test_links_from_or_to_others_and_a_link_to_itself_are_left_out() -> None:
    ends = (("a", "b"), ("a", "c"), ("b", "b"))
    links = tuple(LinkFacts(sender=one, receiver=other, latency_ms=1, bandwidth_mbps=1) for one, other in ends)
    evidence = known(told("a"), told("b"), a="device", b="edge").model_copy(update={"links": links})
    question = basis(evidence, "net").question()
    assert [(road.sender, road.receiver) for road in question.roads] == [("a", "b")]
    assert [(place.device, place.tier, place.profile) for place in question.places] == [("a", 0, "a"), ("b", 1, "b")]


def test_of_too_many_devices_the_first_are_planned_with_and_how_many_are_not_is_known() -> None:
    names = [f"d{place:03}" for place in range(MOST_DEVICES + 3)]
    found = basis(known(*map(told, names), **dict.fromkeys(names, "edge")), "net")
    assert (len(found.devices), len(found.profiles), found.beside) == (MOST_DEVICES, MOST_DEVICES, 3)


def test_what_is_missing_is_said_at_the_field_that_it_is_about() -> None:
    assert faults(linked(), "one") == {}
    assert set(faults(linked(), "four")) == {"model"}
    assert set(faults(linked(), "one", ("slow", "moon"))) == {"devices"}
    assert set(faults(linked(), "one", (), ("use edge", "leave out moon"))) == {"rules"}
    assert set(faults(linked(), "one", ("slow",))) == {"devices"}
    assert set(faults(linked({"slow": 1e-9}), "one")) == set(faults(linked().model_copy(update={"links": ()}), "one")) == {""}


def test_a_link_to_a_device_of_the_same_tier_is_none_that_work_could_take() -> None:
    evidence = linked().model_copy(update={"devices": tuple(
        each.model_copy(update={"tier": "edge"}) for each in linked().devices)})
    assert "to a device of a higher tier" in faults(evidence, "one")[""]
