"""Which devices, profiles and links a question is made of, and who may ask it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.accounts.models import Membership, Role, Team
from apps.accounts.refusal import Refused
from apps.devices.models import Device, Link
from apps.plans import actions, choosing
from apps.plans.wanted import LinkWanted, RangeWanted, Wanted
from tests.apps.devices.profiled import keep, network
from tests.apps.plans.conftest import FAST, SLOW, Town
from worker.planning import Question

pytestmark = pytest.mark.django_db


def asked(town: Town, user: Any = None, **more: Any) -> Question:
    wanted = town.wanted.model_copy(update=more)
    return actions.question(user or town.cast.victor, town.cast.team, wanted)


def refused(town: Town, user: Any = None, **more: Any) -> dict[str, str]:
    with pytest.raises(Refused) as found:
        asked(town, user, **more)
    return found.value.errors


def test_without_a_choice_every_device_that_has_times_is_asked_for_by_its_tier(town: Town) -> None:
    said = asked(town)
    assert [(place.device, place.tier) for place in said.places] == [("pi-4", 0), ("box", 1), ("server", 2)]
    assert len(said.roads) == 6


def test_somebody_who_only_looks_on_may_ask_and_somebody_of_another_team_may_not(town: Town) -> None:
    assert actions.ask(town.cast.victor, town.cast.team, town.wanted).plans
    assert refused(town, town.cast.mallory) == {"": "You are not of this team."}


def test_a_device_of_another_team_is_no_device(town: Town) -> None:
    theirs = Device.objects.create(team=Team.objects.get(name="Others"), name="theirs")
    keep(theirs, network(SLOW))
    assert refused(town, devices=(town.pi.pk, theirs.pk)) == {"devices.1": "This is no device of this team."}
    assert refused(town, devices=(uuid4(),)).keys() == {"devices.0"}


def test_of_a_shared_device_only_the_teams_own_profiles_count(town: Town) -> None:
    shared = Device.objects.create(team=Team.objects.get(name="Others"), name="shared", tier="cloud", shared=True)
    keep(shared, network(FAST))
    assert "shared" not in [place.device for place in asked(town).places]
    town_profile = keep(shared, network(FAST))
    type(town_profile).objects.filter(pk=town_profile.pk).update(team=town.cast.team)
    assert "shared" in [place.device for place in asked(town).places]


def test_a_draining_or_retired_device_is_left_out_and_named_where_it_was_asked_for(town: Town) -> None:
    Device.objects.filter(pk=town.box.pk).update(draining=True)
    Device.objects.filter(pk=town.cloud.pk).update(retired=True)
    assert [place.device for place in asked(town).places] == ["pi-4"]
    wanted = town.wanted.model_copy(update={"devices": (town.pi.pk, town.box.pk, town.cloud.pk)})
    found = actions.ask(town.cast.victor, town.cast.team, wanted)
    assert found.warnings[:2] == ("box is draining: no plan uses it.", "server is retired: no plan uses it.")


def test_the_device_that_holds_the_input_cannot_be_left_out(town: Town) -> None:
    Device.objects.filter(pk=town.pi.pk).update(retired=True)
    assert "pi-4 is retired; the input is there" in refused(town, devices=(town.pi.pk, town.box.pk))["devices"]


def test_a_network_that_nobody_knows_is_said_at_its_field(town: Town) -> None:
    assert "No device that can be used" in refused(town, network="unheard of")["network"]


def test_a_direction_of_which_only_the_other_is_known_is_no_link(town: Town) -> None:
    Link.objects.get(source=town.pi, target=town.box).delete()
    ways = {(road.sender, road.receiver) for road in asked(town).roads}
    assert ("pi-4", "box") not in ways and ("box", "pi-4") in ways


def test_links_that_are_tried_win_over_the_teams_and_make_such_as_are_not_there(town: Town) -> None:
    Link.objects.all().delete()
    town.link(town.pi, town.box, 5, 40)
    tried = (LinkWanted(source=town.pi.pk, target=town.box.pk, latency_ms=1, bandwidth_mbps=7),
             LinkWanted(source=town.pi.pk, target=town.cloud.pk, latency_ms=2, bandwidth_mbps=8))
    roads = {(road.sender, road.receiver): road.bandwidth_mbps for road in asked(town, links=tried).roads}
    assert roads == {("pi-4", "box"): 7, ("pi-4", "server"): 8}
    assert Link.objects.get().bandwidth_mbps == 40


def test_a_range_of_a_device_that_no_plan_uses_is_said_at_its_field(town: Town) -> None:
    told = refused(town, range=RangeWanted(source=town.pi.pk, target=uuid4()))
    assert told == {"range.target": "No plan uses this device."}


def test_what_the_planner_refuses_is_said_of_the_fields_that_were_filled_in(town: Town) -> None:
    with pytest.raises(Refused) as found:
        actions.ask(town.cast.victor, town.cast.team, Wanted(network="small", rules=("use nowhere",)))
    assert "nowhere" in found.value.errors["rules.0"]


def test_measured_times_speak_before_predicted_ones_and_new_before_old(town: Town) -> None:
    first = asked(town).places[0].profile
    town.profile(town.pi, SLOW, origin="predicted")
    assert asked(town).places[0].profile == first
    newer = town.profile(town.pi, FAST)
    assert asked(town).places[0].profile == str(newer.pk)


def test_devices_that_are_called_alike_are_told_apart(town: Town) -> None:
    other = Team.objects.get(name="Others")
    Membership.objects.create(team=other, user=town.cast.alice, role=Role.MEMBER)
    shared = Device.objects.create(team=other, name="box", tier="edge", shared=True)
    found = keep(shared, network(FAST))
    type(found).objects.filter(pk=found.pk).update(team=town.cast.team)
    names = [place.device for place in asked(town).places]
    assert len(set(names)) == 4 and "box (2)" in names


def test_networks_are_counted_with_how_their_numbers_came(town: Town) -> None:
    keep(town.pi, network(network="other", origin="predicted"))
    found = choosing.networks(town.cast.victor, town.cast.team)
    assert [each.said for each in found] == ["3 devices", "1 device (0 measured, 1 predicted)"]
    assert choosing.networks(town.cast.mallory, town.cast.team) == []


def test_a_question_takes_as_many_queries_for_many_devices_as_for_few(town: Town, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        device = Device.objects.create(team=town.cast.team, name=f"more {number}", tier="edge")
        town.profile(device, FAST)
        town.link(town.pi, device, 5, 40)
    with django_assert_max_num_queries(4):
        assert len(asked(town).places) == 23
