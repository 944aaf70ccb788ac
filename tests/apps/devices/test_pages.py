"""The device registry: everybody of the team reads, its administrators edit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device
from apps.live.models import Stream
from tests.apps.cast import Cast

EDIT = {"name": "pi4", "tier": "edge", "hardware": "Raspberry Pi 4", "location": "lab 2"}


@pytest.fixture
def board(cast: Cast) -> Device:
    return Device.objects.create(team=cast.team, name="board", last_seen=timezone.now() - timedelta(hours=2))


def test_a_silent_board_has_lost_contact_and_is_on_the_start_page(cast: Cast, board: Device, client: Client) -> None:
    client.force_login(cast.victor)
    for path in ("/devices/", f"/devices/{board.pk}/", "/"):
        assert "contact lost" in client.get(path).content.decode()


def test_an_administrator_edits(cast: Cast, board: Device, client: Client) -> None:
    client.force_login(cast.alice)
    assert client.post(f"/devices/{board.pk}/", EDIT).status_code == 302
    board.refresh_from_db()
    assert (board.name, board.tier, board.location) == ("pi4", "edge", "lab 2")


def test_a_member_who_is_no_administrator_reads_only(cast: Cast, board: Device, client: Client) -> None:
    client.force_login(cast.ruth)
    assert "An administrator of the team can change" in client.get(f"/devices/{board.pk}/").content.decode()
    assert client.post(f"/devices/{board.pk}/", EDIT).status_code == 404
    board.refresh_from_db()
    assert board.name == "board"


@pytest.mark.parametrize(("field", "value", "said"), [
    ("name", "other", "Another device of the team has this name."), ("name", "", "required"), ("tier", "moon", "moon"),
    ("name", "a\x00", "Null"),
])
def test_what_is_wrong_is_said_at_its_field_and_kept(
    cast: Cast, board: Device, client: Client, field: str, value: str, said: str,
) -> None:
    Device.objects.create(team=cast.team, name="other")
    client.force_login(cast.alice)
    page = client.post(f"/devices/{board.pk}/", {**EDIT, field: value}).content.decode()
    assert said in page and 'value="lab 2"' in page
    assert "<h1>board</h1>" in page


def test_the_page_of_a_device_leads_to_what_was_measured_and_what_runs_there(cast: Cast, board: Device, client: Client) -> None:
    client.force_login(cast.victor)
    said = client.get(f"/devices/{board.pk}/").content.decode()
    assert "at the sensor" in said and f"/experiments/measured/on-device/{board.pk}/" in said
    assert f"/experiments/running/on-devices/?device={board.pk}" in said and "registered by hand" in said


def test_health_runtimes_and_labels_stand_on_the_page(cast: Cast, board: Device, client: Client) -> None:
    board.health = {"temperature_c": 61.25, "throttled": True, "governor": "performance", "free_memory_bytes": 2.5e9}
    board.runtimes, board.labels, board.draining = {"onnxruntime": "1.23.2"}, ["lab2"], True
    board.save()
    client.force_login(cast.victor)
    said = client.get(f"/devices/{board.pk}/").content.decode()
    told = ("61.2 °C", "throttled", "performance", "2.50", "onnxruntime 1.23.2", "lab2", "Draining.")
    assert all(text in said for text in told)


def test_what_a_device_says_of_itself_is_no_field_of_the_form(cast: Cast, board: Device, client: Client) -> None:
    client.force_login(cast.alice)
    assert 'name="memory_mb"' in client.get(f"/devices/{board.pk}/").content.decode()
    Device.objects.filter(pk=board.pk).update(host="edge-7")
    assert 'name="memory_mb"' not in client.get(f"/devices/{board.pk}/").content.decode()


def test_a_drained_retired_and_returned_device_says_so_to_the_team(cast: Cast, board: Device, client: Client) -> None:
    client.force_login(cast.alice)
    for act, state in (("drain", "contact lost"), ("retire", "retired"), ("bring-back", "contact lost")):
        assert client.post(f"/devices/{board.pk}/{act}/", {"on": "1"}).status_code == 302
        board.refresh_from_db()
        assert board.state == state
    assert board.draining
    said = [event.body["state"] for event in Stream.of_team(cast.team).events.filter(type="device")]
    assert said == ["contact lost", "retired", "contact lost"]
