"""A prediction rests on the profiles that answer best, counts one machine once, and gives no number that only misleads."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.worker.profiling.test_prediction import PLAIN, of_devices
from tests.worker.recipes.measured import evidence, network
from worker.evidence import DeviceFacts, Evidence, Seen
from worker.profile import NetworkProfile
from worker.profiling import predicting
from worker.profiling.prediction import TooLittle, predict
from worker.profiling.prediction.like import ways


def without_macs(profile: NetworkProfile, chance: random.Random) -> NetworkProfile:
    """As a file brings it that says neither engine nor MACs, and whose times follow nothing."""
    blocks = [block.model_copy(update={"macs": None, "kinds": {}, "seconds": 10 ** chance.uniform(-6, 0)})
              for block in profile.blocks]
    return profile.model_copy(update={"engine": "", "threads": None, "blocks": tuple(blocks)})


def test_any_engine_is_the_one_whose_left_out_error_is_the_smallest_not_the_one_of_most_devices() -> None:
    held, chance = evidence(), random.Random(1)
    brought = [Seen(device=f"file{number}", profile=without_macs(each.profile, chance))
               for number, each in enumerate(held.profiles[:6])]
    both = held.model_copy(update={"profiles": (*brought, *held.profiles)})
    known = ways(both)
    assert known[0].engine == ""
    way, found = predicting._best(both, known, network("asked", random.Random(11)), "slow")
    assert way.engine == "onnxruntime" and found.total.within < 0.5


def test_an_error_above_300_per_cent_is_refused_in_words() -> None:
    found = predict(of_devices({"a": 1.0, "b": 2.0, "c": 4.0}, PLAIN), PLAIN, "new")
    predicting._refuse_misleading(found)
    with pytest.raises(TooLittle, match="up to 4947 % off; above 300 % a number would only mislead"):
        predicting._refuse_misleading(replace(found, total=replace(found.total, within=49.47)))


def described(held: Evidence, **facts: dict[str, object]) -> Evidence:
    known = tuple(DeviceFacts.model_validate({**each.model_dump(), **{key: said[each.id] for key, said in facts.items()
                                                                      if each.id in said}}) for each in held.devices)
    return held.model_copy(update={"devices": known})


TWINS = {"hardware": {"a": "Xeon", "b": "Xeon"}, "cores": {"a": 4, "b": 4}}


@pytest.mark.parametrize("facts", [TWINS, {**TWINS, "yardstick_ms": {"a": 10.0, "b": 10.4}},
                                   {"host": {"a": "edge-7", "b": "edge-7"}}])
def test_two_entries_of_one_machine_are_no_two_devices(facts: dict[str, dict[str, object]]) -> None:
    with pytest.raises(TooLittle, match="there are 1 and 0"):
        predict(described(of_devices({"a": 1.0, "b": 1.0}, PLAIN), **facts), PLAIN, "new")
    three = predict(described(of_devices({"a": 1.0, "b": 1.0, "c": 4.0}, PLAIN), **facts), PLAIN, "new")
    assert (three.devices, three.total.n) == (2, 2)
    assert three.total.within == pytest.approx(3, rel=1e-3), "none is predicted by its twin"


@pytest.mark.parametrize("facts", [{**TWINS, "yardstick_ms": {"a": 10.0, "b": 20.0}}, {**TWINS, "cores": {"a": 4, "b": 8}},
                                   {**TWINS, "host": {"a": "edge-7", "b": "edge-8"}}])
def test_two_machines_are_two(facts: dict[str, dict[str, object]]) -> None:
    assert predict(described(of_devices({"a": 1.0, "b": 1.1}, PLAIN), **facts), PLAIN, "new").devices == 2


def test_of_twins_that_the_device_is_like_itself_each_counts() -> None:
    held = described(of_devices({"a": 1.0, "b": 1.1}, PLAIN), **TWINS)
    new = DeviceFacts(id="new", name="new", hardware="xeon", cores=4)
    assert predict(held.model_copy(update={"devices": (*held.devices, new)}), PLAIN, "new").devices == 2
