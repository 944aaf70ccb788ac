"""The list of devices: narrowed by the address, page by page, with what is shared by every team."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Team
from apps.devices.models import SILENT_AFTER, Device
from apps.experiments.models import Status
from tests.apps.cast import Cast


@pytest.fixture
def boards(cast: Cast) -> dict[str, Device]:
    now, long_ago = timezone.now(), timezone.now() - 2 * SILENT_AFTER
    facts = {
        "online": {"last_seen": now, "labels": ["lab2", "quiet"], "hardware": "Raspberry Pi 4"},
        "busy": {"last_seen": now, "busy": True, "tier": "edge"}, "draining": {"last_seen": now, "draining": True, "busy": True},
        "contact lost": {"last_seen": long_ago, "draining": True, "labels": ["lab2"]}, "never seen": {},
        "retired": {"retired": True, "last_seen": now}}
    return {state: Device.objects.create(team=cast.team, name=f"{state} one", **more) for state, more in facts.items()}


def names(client: Client, query: str) -> set[str]:
    said = client.get(f"/devices/?{query}")
    assert said.status_code == 200
    return {device.name.removesuffix(" one") for device, _ in said.context["rows"]}


@pytest.mark.parametrize("state", ["online", "busy", "draining", "contact lost", "never seen", "retired"])
def test_the_filter_of_states_finds_what_the_state_says(
        cast: Cast, boards: dict[str, Device], client: Client, state: str) -> None:
    client.force_login(cast.victor)
    assert names(client, f"state={state}") == {state} and boards[state].state == state


@pytest.mark.parametrize(("query", "found"), [
    ("", {"online", "busy", "draining", "contact lost", "never seen"}), ("q=raspberry", {"online"}), ("tier=edge", {"busy"}),
    ("label=LAB2", {"online", "contact lost"}), ("label=lab2&state=online", {"online"}), ("label=none", set()),
    ("whose=shared", set()), ("tier=moon", set()), ("state=moon", set())])
def test_filters_stand_in_the_address(cast: Cast, boards: dict[str, Device], client: Client, query: str, found: set[str]) -> None:
    client.force_login(cast.victor)
    assert names(client, query) == found


def test_what_an_operator_shares_is_in_every_teams_list_and_marked(cast: Cast, boards: dict[str, Device], client: Client) -> None:
    other = Team.objects.get(name="Others")
    Device.objects.create(team=other, name="big machine", shared=True)
    Device.objects.create(team=other, name="private machine")
    client.force_login(cast.victor)
    said = client.get("/devices/?whose=shared").content.decode()
    assert "big machine" in said and "it is of another team" in said and "private machine" not in said
    assert "big machine" not in client.get("/devices/?whose=own").content.decode()


def test_a_shared_device_is_changed_by_operators_only(cast: Cast, boards: dict[str, Device], client: Client) -> None:
    device = boards["online"]
    Device.objects.filter(pk=device.pk).update(shared=True)
    client.force_login(cast.alice)
    assert "only an operator of the portal" in client.get(f"/devices/{device.pk}/").content.decode()
    assert client.post(f"/devices/{device.pk}/retire/").status_code == 404
    cast.alice.is_staff = True
    cast.alice.save()
    assert client.post(f"/devices/{device.pk}/retire/").status_code == 302
    client.force_login(cast.mallory)
    assert client.get(f"/devices/{device.pk}/").status_code == 200
    assert client.post(f"/devices/{device.pk}/bring-back/").status_code == 404


def test_a_long_list_comes_by_pages(cast: Cast, client: Client) -> None:
    Device.objects.bulk_create(Device(team=cast.team, name=f"board {number:02}") for number in range(30))
    client.force_login(cast.victor)
    said = client.get("/devices/?page=2").content.decode()
    assert "page 2 of 2" in said and "board 29" in said and "board 24" not in said


def test_the_fragment_says_what_runs_and_what_waits(cast: Cast, boards: dict[str, Device], client: Client) -> None:
    device, host = boards["online"], boards["busy"]
    Device.objects.filter(pk=host.pk).update(host="edge-7")
    first = cast.run(Status.RUNNING, inputs={"device": {"id": str(device.pk)}}, queue=device.queue)
    cast.run(Status.QUEUED, inputs={"device": {"id": str(device.pk)}}, queue="cpu")
    cast.run(Status.QUEUED, queue="bench.edge-7")
    path = f"/experiments/running/on-devices/?device={device.pk}&device={host.pk}"
    client.force_login(cast.victor)
    said = client.get(path).content.decode()
    assert f"run {first.number}" in said and said.count("1 waits") == 2
    client.force_login(cast.mallory)
    assert "run " not in client.get(path).content.decode()
    Device.objects.filter(pk=host.pk).update(shared=True, last_seen=timezone.now() - timedelta(seconds=1))
    cast.run(Status.RUNNING, queue="cpu", worker="w1@edge-7")
    assert "another team" in client.get(path).content.decode()
