"""Before a plan is started the form of Slices says which of its hops the portal relays; where none is, nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.devices.models import Agent, Device, Tier
from apps.experiments import relays
from tests.apps.boards import Board
from tests.apps.cast import Cast
from worker import menu

DATA = {"port": 7443, "fingerprint": "ab" * 32, "host": "10.0.0.5"}
VALUES = {"model": "", "plan": "pi until pool1\nrack until relu3\nshed", "between": "", "where": "boards", "images": "30"}
RACK, SHED = ("pi → rack is relayed by the portal, as rack takes no connections.",
              "rack → shed is relayed by the portal, as shed takes no connections.")


@pytest.fixture(autouse=True)
def _boards(cast: Cast) -> None:
    cache.clear()
    for name, tier, data in (("pi", Tier.DEVICE, {}), ("rack", Tier.EDGE, DATA), ("shed", Tier.CLOUD, {})):
        board = Board.joined(cast.alice, cast.team, name=name, instance=f"instance-{name}")
        board.beat(data=data)
        Device.objects.filter(pk=board.device.pk).update(tier=tier)


def said(cast: Cast, **more: str) -> list[str]:
    return relays.asked_for(cast.team, menu.get("partitioning.slices"), {**VALUES, **more})


def test_each_hop_to_a_board_without_a_data_port_and_that_its_time_is_not_predicted(cast: Cast) -> None:
    assert said(cast) == [SHED, relays.UNPREDICTED]


def test_a_board_of_tier_device_takes_no_connections_whatever_its_owner_said(cast: Cast) -> None:
    Device.objects.filter(name="rack").update(tier=Tier.DEVICE)
    assert said(cast) == [RACK, SHED, relays.UNPREDICTED]


def test_the_first_part_is_sent_nothing(cast: Cast) -> None:
    assert said(cast, plan="shed until pool1\nrack") == []
    assert said(cast, plan="this computer until pool1\nshed")[0].startswith("this computer → shed is relayed")


@pytest.mark.parametrize("more", [
    {"where": "one computer"}, {"plan": "pi until"}, {"plan": ""}, {"plan": "pi until pool1\x00; shed"},
    {"plan": "pi until pool1; nobody"}])
def test_nothing_is_said_of_what_stands_on_no_board_or_cannot_be_read(cast: Cast, more: dict[str, str]) -> None:
    assert said(cast, **more) == []


def test_a_sweep_of_something_else_hides_nothing(cast: Cast) -> None:
    assert said(cast, images="10, 20", warmup="many") == [SHED, relays.UNPREDICTED]


def test_a_device_where_no_agent_lives_and_one_of_another_team_are_not_spoken_of(cast: Cast) -> None:
    Agent.objects.filter(device__name="shed").update(can_host=False)
    assert said(cast) == []
    Agent.objects.filter(device__name="shed").update(can_host=True)
    Device.objects.filter(name="shed").update(team=cast.mallory.memberships.get().team)
    assert said(cast) == []


def test_it_takes_one_query_for_the_devices_and_one_for_their_agents(cast: Cast, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        said(cast)


def test_the_form_says_so_while_it_is_filled_in(cast: Cast, client: Client) -> None:
    client.force_login(cast.mia)
    page = client.post("/experiments/new/partitioning.slices/summary/", VALUES).content.decode()
    assert SHED in page and relays.UNPREDICTED in page
    page = client.get("/experiments/new/partitioning.slices/?where=boards&plan=pi+until+pool1%0Ashed").content.decode()
    assert "pi → shed is relayed by the portal" in page
