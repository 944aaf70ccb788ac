"""Devices registered by hand, and what is said of them: checked at its field, nothing typed lost, every change in the trail."""

from __future__ import annotations

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client

from apps.accounts.refusal import Refused
from apps.devices import actions, labels
from apps.devices.models import Device
from tests.apps.cast import Cast

TYPED = {"name": "phone", "tier": "device", "hardware": "Pixel 9", "location": "", "labels": "Lab2, quiet", "os": "Android 16",
         "cores": "8", "accelerators": "TPU", "memory_mb": "12000.5"}


def test_an_administrator_registers_a_device_by_hand(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    answer = client.post("/devices/new/", TYPED)
    made = Device.objects.get(team=cast.team, name="phone")
    assert answer["Location"] == f"/devices/{made.pk}/" and made.state == "never seen"
    assert (made.labels, made.cores, made.memory_bytes, made.os) == (["lab2", "quiet"], 8, 12_000_500_000, "Android 16")


@pytest.mark.parametrize("who", ["mia", "ruth", "victor"])
def test_others_of_the_team_do_not(cast: Cast, client: Client, who: str) -> None:
    client.force_login(getattr(cast, who))
    assert client.post("/devices/new/", TYPED).status_code == 403
    assert not Device.objects.exists()


@pytest.mark.parametrize(("field", "value", "said"), [
    ("cores", "0", "greater than or equal to 1"), ("cores", "٣x", "whole number"), ("memory_mb", "-1", "greater than"),
    ("memory_mb", "nan", "Enter a number"), ("labels", "a{b", "characters that a label cannot have"), ("labels", "x" * 41, "40"),
    ("name", "", "required"), ("os", "x" * 300, "at most 120"), ("tier", "moon", "moon"),
])
def test_what_is_wrong_is_said_at_its_field_and_all_is_kept(
        cast: Cast, client: Client, field: str, value: str, said: str) -> None:
    client.force_login(cast.alice)
    answer = client.post("/devices/new/", {**TYPED, field: value})
    page = answer.content.decode()
    assert answer.status_code == 422 and said in page and 'value="Pixel 9"' in page
    assert not Device.objects.exists()


def test_by_the_api_it_is_the_same_device(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    body: dict[str, Any] = {"name": "phone", "labels": ["b", "a"], "memory_bytes": 1_234_567_891, "cores": 4}
    made = client.post("/api/devices", body, "application/json")
    assert made.status_code == 201 and made.json()["labels"] == ["a", "b"] and made.json()["memory_bytes"] == 1_234_567_891
    where = f"/api/devices/{made.json()['id']}"
    changed = client.patch(where, {"labels": [], "draining": True}, "application/json").json()
    assert changed["labels"] == [] and changed["draining"] and changed["cores"] == 4 and changed["memory_bytes"] == 1_234_567_891
    assert client.get(where).json()["drift"] is None
    assert client.post(f"{where}/retire").json()["state"] == "retired"
    for asked in ("state=retired", "retired=true"):
        assert client.get(f"/api/devices?{asked}").json()["total"] == 1
    assert client.post(f"{where}/bring-back").json()["state"] == "draining"


def test_a_device_that_speaks_for_itself_is_not_told_what_it_is(cast: Cast, client: Client) -> None:
    device = Device.objects.create(team=cast.team, name="host", host="edge-7", cores=4)
    client.force_login(cast.alice)
    answer = client.patch(f"/api/devices/{device.pk}", {"cores": 8}, "application/json")
    assert answer.status_code == 422 and answer.json()["errors"] == {"cores": "This the device says of itself."}


def test_every_change_is_in_the_trail_with_who_made_it(cast: Cast) -> None:
    made = actions.register(cast.alice, cast.team, {"name": "phone", "tier": "device"})
    actions.change(cast.alice, made, {"location": "lab 2"})
    actions.retire(cast.alice, made)
    Device.objects.filter(pk=made.pk).update(busy=True)
    found = LogEntry.objects.get_for_object(made).order_by("timestamp", "pk")
    assert [(entry.action, entry.actor) for entry in found] == [(0, cast.alice), (1, cast.alice), (1, cast.alice)]
    assert [entry.changes for entry in found][1:] == [{"location": ["", "lab 2"]}, {"retired": ["False", "True"]}]


def test_a_name_is_one_devices_own(cast: Cast) -> None:
    actions.register(cast.alice, cast.team, {"name": "phone", "tier": "device"})
    with pytest.raises(Refused, match="Another device of the team has this name"):
        actions.register(cast.alice, cast.team, {"name": " phone ", "tier": "device"})


def test_labels_are_words_once_each() -> None:
    assert labels.words("b, a  B\ta") == ["a", "b"] and labels.words("") == []
    with pytest.raises(ValueError, match="21 labels"):
        labels.words(" ".join(map(str, range(21))))
