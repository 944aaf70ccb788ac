"""Wherever a plan is shown, a hop to a board that takes no connections is said to be relayed by the portal; its numbers stay."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.devices.models import Agent, Device
from apps.experiments.relays import UNPREDICTED
from apps.plans.relays import of_plans
from apps.plans.telling import plan_of
from tests.apps.plans.conftest import Town
from tests.apps.plans.joint_town import whole_town

pytestmark = pytest.mark.django_db
PLANNER = "/planner/?network=small&rule=raw+input+stays"
OPEN = {"can_host": True, "data_port": 7443, "data_fingerprint": "ab" * 32}


def agent(device: Device, **fields: Any) -> Agent:
    return Agent.objects.create(device=device, prefix=str(device.pk)[:8], digest="", **{"can_host": True, **fields})


@pytest.fixture(autouse=True)
def _agents(town: Town, client: Client, settings: Any, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"
    client.force_login(town.cast.mia)
    for device in (town.pi, town.box, town.cloud):
        agent(device)


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def hops(text: str) -> dict[str, bool]:
    """Each hop that a table shows, and whether it is said to be relayed."""
    found = re.findall(r'<th scope="row">(?:<small>)?([\w-]+ to [\w-]+)(.*?)</th>', text)
    return {ends: "relayed by the portal" in rest for ends, rest in found}


def test_the_planner_says_it_of_each_hop_to_a_closed_board(client: Client, town: Town) -> None:
    text = page(client, PLANNER)
    assert hops(text) and all(hops(text).values())
    assert "Run on boards, pi-4 → box is relayed by the portal, as box takes no connections" in text and UNPREDICTED in text


def test_a_board_with_a_data_port_is_reached_directly_unless_it_is_of_tier_device(client: Client, town: Town) -> None:
    Agent.objects.update(**OPEN)
    assert not any(hops(page(client, PLANNER)).values()) and "relayed" not in page(client, PLANNER)
    Agent.objects.filter(device=town.box).update(data_port=None)
    assert {ends.endswith(" to box") for ends, relayed in hops(page(client, PLANNER)).items() if relayed} == {True}


def test_nothing_is_said_of_devices_where_no_agent_lives(client: Client) -> None:
    Agent.objects.all().delete()
    assert "relayed" not in page(client, PLANNER)


def test_a_result_that_goes_back_takes_the_way_that_is_there(client: Client, town: Town) -> None:
    Agent.objects.filter(device__in=(town.box, town.cloud)).update(**OPEN)
    text = page(client, f"{PLANNER}&returns=on")
    assert any(ends.endswith(" to pi-4") for ends in hops(text)) and not any(hops(text).values())


def test_what_is_said_changes_no_number(client: Client, town: Town) -> None:
    before = client.get(PLANNER.replace("/planner/", "/planner/answer/")).json()["plans"]
    Agent.objects.update(**OPEN)
    assert client.get(PLANNER.replace("/planner/", "/planner/answer/")).json()["plans"] == before


def test_a_saved_plan_says_it_as_things_stand_now(client: Client, town: Town) -> None:
    saved = town.save()
    text = page(client, reverse("plan", args=[saved.pk]))
    assert hops(text) and all(hops(text).values()) and UNPREDICTED in text
    kept = client.get(reverse("plan-json", args=[saved.pk])).json()["hops"]
    assert kept and all(hop["relayed"] for hop in kept), "the file that a deployer takes says so too"
    Agent.objects.update(**OPEN)
    assert "relayed" not in page(client, reverse("plan", args=[saved.pk]))


def test_joint_plans_say_it_of_the_choice_and_of_each_version_of_the_front(client: Client, town: Town, tmp_path: Path) -> None:
    whole_town(town, tmp_path)
    text = page(client, "/planner/joint/")
    assert any(hops(text).values()) and UNPREDICTED in text and ">relayed</small>" in text
    Agent.objects.update(**OPEN)
    assert "relayed" not in page(client, "/planner/joint/")


def test_however_many_plans_there_are_one_query_asks_for_all_their_boards(town: Town) -> None:
    said = plan_of(town.save().plan)
    with CaptureQueriesContext(connection) as asked:
        found = of_plans([said] * 20, {device.name: device.pk for device in (town.pi, town.box, town.cloud)})
    assert len(asked) == 1 and found.note(said)
