"""The device registry: everybody of the team reads, its administrators edit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device
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
