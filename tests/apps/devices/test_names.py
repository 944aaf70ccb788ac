"""No team sees two devices of one name: who registers, renames or shares is told of the other, a board gets a number."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.devices import actions, enrolment, names
from apps.devices.boards.reports import About
from apps.devices.colours import places
from apps.devices.desk.merging import merge
from apps.devices.models import Device
from apps.experiments.models import Measurement, Status
from tests.apps.cast import Cast
from tests.apps.devices.test_desk import act
from tests.apps.devices.test_desk_files import HEAD, preview

SAID = "pi of team Others is called pi too"


@pytest.fixture
def shared(cast: Cast) -> Device:
    return Device.objects.create(team=Team.objects.get(name="Others"), name="pi", shared=True)


@pytest.fixture
def desk(cast: Cast, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", "an unusual phrase 42"))
    return client


def test_a_device_is_registered_and_renamed_to_no_name_of_a_shared_one(cast: Cast, shared: Device) -> None:
    with pytest.raises(Refused, match=SAID):
        actions.register(cast.alice, cast.team, {"name": "pi", "tier": "device"})
    made = actions.register(cast.alice, cast.team, {"name": "oven", "tier": "device"})
    with pytest.raises(Refused, match=SAID):
        actions.change(cast.alice, made, {"name": "pi"})
    Device.objects.filter(pk=shared.pk).update(name="shed", host="oven 2")
    with pytest.raises(Refused, match="shed of team Others is called oven 2 too"):
        actions.change(cast.alice, made, {"name": "oven 2"})
    Device.objects.filter(pk=shared.pk).update(shared=False)
    assert actions.change(cast.alice, made, {"name": "oven 2"}).name == "oven 2", "of what another team has nothing is told"


def test_two_that_met_before_can_still_be_changed_otherwise(cast: Cast, shared: Device) -> None:
    mine = Device.objects.create(team=cast.team, name="pi")
    assert actions.change(cast.alice, mine, {"location": "lab 2"}).location == "lab 2"


def test_a_shared_device_takes_no_name_that_any_team_has(cast: Cast, shared: Device) -> None:
    Device.objects.create(team=cast.team, name="oven")
    User.objects.filter(pk=cast.mallory.pk).update(is_staff=True)
    with pytest.raises(Refused, match="oven of team Edge is called oven too"):
        actions.change(User.objects.get(pk=cast.mallory.pk), shared, {"name": "oven"})


@pytest.mark.parametrize("way", ["form", "file", "many", "many at once"])
def test_the_desk_shares_none_whose_name_another_team_has(cast: Cast, shared: Device, desk: Client, way: str) -> None:
    Device.objects.filter(pk=shared.pk).update(shared=way != "many at once")
    mine = Device.objects.create(team=cast.team, name="pi")
    answer: Any = ""
    if way == "form":
        form = desk.get(f"/admin/devices/device/{mine.pk}/change/").context["adminform"].form
        typed = {name: form.initial.get(name) or "" for name in form.fields} | {"shared": "on"}
        answer = desk.post(f"/admin/devices/device/{mine.pk}/change/", typed).content.decode()
    elif way == "file":
        answer = preview(desk, f"{HEAD}\n{mine.pk},Edge,pi,edge,,,,,,,,,1,,\n")
    else:
        answer = act(desk, "change_many", [mine, shared], apply="1", shared="1").content.decode()
    assert "is called pi too" in answer
    mine.refresh_from_db()
    assert not mine.shared


def test_a_board_and_a_worker_host_get_a_name_that_no_shared_device_has(cast: Cast, shared: Device) -> None:
    _, code = enrolment.make_code(cast.alice, cast.team)
    about = About(instance="0" * 32, version="1", name="pi")
    assert enrolment.join(code, about, "10.0.0.9").agent.device.name == "pi 2"
    call_command("register_host", "pi", "--team", "Edge", stdout=StringIO())
    assert Device.objects.get(team=cast.team, host="pi").name == "pi 3"


def test_one_computer_may_be_in_two_teams_by_one_name(cast: Cast, shared: Device) -> None:
    Device.objects.filter(pk=shared.pk).update(host="pi")
    call_command("register_host", "pi", "--team", "Edge", stdout=StringIO())
    mine = Device.objects.get(team=cast.team, host="pi")
    assert mine.name == "pi" and not names.clash([mine])


def test_a_name_that_was_given_up_is_whoevers_has_it_now(cast: Cast, client: Client, shared: Device) -> None:
    Device.objects.filter(pk=shared.pk).update(name="shed", former_names=["pi"])
    mine = actions.register(cast.alice, cast.team, {"name": "pi", "tier": "device"})
    run = cast.run(Status.FINISHED)
    Measurement.objects.create(team=cast.team, run=run, variant_name="x", metric="latency_ms_p50", unit="ms", origin="measured",
                               value=4.25, device="pi")
    client.force_login(cast.victor)
    assert "4.25" in client.get(f"/experiments/measured/on-device/{mine.pk}/").content.decode()
    assert "4.25" not in client.get(f"/experiments/measured/on-device/{shared.pk}/").content.decode()
    assert places(cast.team, ["pi", "shed"]) == {"shed": 0, "pi": 1}


def test_merging_shares_no_name_that_another_team_has(cast: Cast, shared: Device) -> None:
    Device.objects.create(team=cast.team, name="oven")
    kept = Device.objects.create(team=shared.team, name="oven")
    with pytest.raises(Refused, match="oven of team Edge is called oven too"):
        merge(kept, [shared])
    assert merge(shared, [kept]).kept.name == "pi"
