"""The registry's desk: many devices at once, entries merged, codes for boards, agents in stages; all of it in the trail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Team, User
from apps.accounts.refusal import Conflict, Refused
from apps.devices import actions, agent_wheel
from apps.devices.desk import updating
from apps.devices.models import Agent, Baseline, Device, Enrolment, Link, Profile
from apps.experiments import leases
from apps.experiments.models import Measurement, Status
from tests.apps.cast import Cast

DEVICES = "/admin/devices/device/"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root@example.org", "an unusual phrase 42")


@pytest.fixture
def desk(root: User, client: Client) -> Client:
    client.force_login(root)
    return client


@pytest.fixture
def boards(cast: Cast) -> list[Device]:
    return [Device.objects.create(team=cast.team, name=f"pi {number}", labels=["old", f"n{number}"], last_seen=timezone.now())
            for number in range(4)]


def act(desk: Client, action: str, devices: list[Device], **said: Any) -> Any:
    return desk.post(DEVICES, {"action": action, "_selected_action": [str(device.pk) for device in devices], **said})


def agent(device: Device, number: int, version: str, **more: Any) -> Agent:
    return Agent.objects.create(device=device, prefix=f"agent{number:03}", digest="x" * 64, instance=f"i{number}",
                                version=version, **more)


def test_many_devices_change_at_once_and_what_is_left_empty_stays(desk: Client, root: User, boards: list[Device]) -> None:
    assert "What is left empty stays" in act(desk, "change_many", boards).content.decode()
    answer = act(desk, "change_many", boards[:3], apply="1", tier="edge", add="new lab2", remove="old", draining="1", location="")
    assert answer.status_code == 302
    first, *_, last = [Device.objects.get(pk=device.pk) for device in boards]
    assert (first.tier, first.labels, first.draining, first.shared) == ("edge", ["lab2", "n0", "new"], True, False)
    assert (last.tier, last.labels, last.draining) == ("device", ["old", "n3"], False)
    said = LogEntry.objects.get_for_object(first).get(action=LogEntry.Action.UPDATE)
    assert said.actor == root and set(said.changes) == {"tier", "labels", "draining"}


def test_a_wrong_label_changes_none(desk: Client, boards: list[Device]) -> None:
    answer = act(desk, "change_many", boards, apply="1", add="a{b", retired="1")
    assert answer.status_code == 422 and "characters that a label cannot have" in answer.content.decode()
    assert not Device.objects.filter(retired=True).exists()


def test_merged_entries_lose_nothing(desk: Client, cast: Cast, boards: list[Device]) -> None:
    kept, other, far, _ = boards
    now = timezone.now()
    facts = {"team": cast.team, "network": "n", "blocks": 1, "total_ms": 1, "form": "house", "body": {}}
    Profile.objects.create(device=other, **facts)
    Baseline.objects.create(device=other, at=now, median_ms=1)
    lives = agent(other, 1, "1", last_used=now)
    dead = agent(kept, 2, "1", last_used=now - timedelta(days=1))
    Enrolment.objects.create(team=cast.team, digest="d" * 64, prefix="CODE", expires=now, device=other)
    for source, target, latency in ((kept, far, 1), (other, far, 2), (far, other, 3), (kept, other, 4)):
        Link.objects.create(team=cast.team, source=source, target=target, latency_ms=latency, bandwidth_mbps=1)
    run = cast.run(Status.QUEUED, queue=other.queue, board=other, inputs={"device": {"id": str(other.pk), "name": "pi 1"}})
    Measurement.objects.create(team=cast.team, run=run, variant_name="x", metric="latency_ms_p50", unit="ms", origin="measured",
                               value=3.25, device="pi 1")

    assert "1 profiles" in act(desk, "merge_entries", [kept, other]).content.decode()
    assert act(desk, "merge_entries", [kept, other], apply="1", keep=str(kept.pk)).status_code == 302
    kept.refresh_from_db()
    other.refresh_from_db()
    run.refresh_from_db()
    lives.refresh_from_db()
    dead.refresh_from_db()
    assert kept.profiles.count() == kept.baselines.count() == 1 and kept.agents.count() == 2
    assert lives.device == kept and lives.revoked is None and dead.revoked is not None
    assert Enrolment.objects.get().device == kept
    assert [(link.source, link.target, link.latency_ms) for link in Link.objects.order_by("latency_ms")] == [
        (kept, far, 2.0), (far, kept, 3.0)]
    assert (run.board, run.queue, run.inputs["device"]["name"]) == (kept, kept.queue, "pi 1")
    assert (other.state, other.merged_into, kept.former_names) == ("retired", kept, ["pi 1"])
    desk.force_login(cast.alice)
    assert "3.25" in desk.get(f"/experiments/measured/on-device/{kept.pk}/").content.decode()
    assert f"/devices/{kept.pk}/" in desk.get(f"/devices/{other.pk}/").content.decode()
    with pytest.raises(Conflict):
        actions.bring_back(cast.alice, other)


def test_a_run_that_a_merged_board_holds_finds_its_queue_when_it_is_given_back(
        desk: Client, cast: Cast, boards: list[Device]) -> None:
    kept, other, *_ = boards
    agent(other, 1, "1")
    run = cast.run(Status.RUNNING, queue=other.queue, board=other, order={"files": []}, token=3, board_lease=3)
    act(desk, "merge_entries", [kept, other], apply="1", keep=str(kept.pk))
    leases.take_back(run, "the board was silent")
    run.refresh_from_db()
    assert (run.status, run.board, run.queue) == (Status.QUEUED, kept, kept.queue)


def test_a_board_with_a_living_agent_is_given_no_host(desk: Client, boards: list[Device]) -> None:
    token = agent(boards[0], 1, "1")
    where = f"{DEVICES}{boards[0].pk}/change/"
    said = {"team": str(boards[0].team_id), "name": "pi 0", "tier": "device", "host": "edge-7"}
    assert "An agent lives on this device" in desk.post(where, said).content.decode()
    assert not Device.objects.filter(host="edge-7").exists()
    Agent.objects.filter(pk=token.pk).update(revoked=timezone.now())
    assert desk.post(where, said).status_code == 302 and Device.objects.get(host="edge-7") == boards[0]


@pytest.mark.parametrize("chosen", [0, 1])
def test_what_every_team_shares_stays_shared_whichever_entry_is_kept(desk: Client, boards: list[Device], chosen: int) -> None:
    Device.objects.filter(pk=boards[0].pk).update(shared=True)
    act(desk, "merge_entries", boards[:2], apply="1", keep=str(boards[chosen].pk))
    kept = Device.objects.get(pk=boards[chosen].pk)
    assert kept.shared and kept.merged.count() == 1


@pytest.mark.parametrize("chosen", [0, 1])
def test_a_computer_with_a_worker_and_a_board_with_an_agent_are_not_merged(
        desk: Client, boards: list[Device], chosen: int) -> None:
    agent(boards[0], 1, "1")
    Device.objects.filter(pk=boards[1].pk).update(host="desk-host")
    act(desk, "merge_entries", boards[:2], apply="1", keep=str(boards[chosen].pk))
    assert not Device.objects.exclude(merged_into=None).exists()
    assert "living agent" in desk.get(DEVICES).content.decode()


def test_entries_of_two_teams_are_not_merged(desk: Client, boards: list[Device]) -> None:
    theirs = Device.objects.create(team=Team.objects.get(name="Others"), name="theirs")
    answer = act(desk, "merge_entries", [boards[0], theirs], apply="1", keep=str(theirs.pk))
    assert answer.status_code == 302 and not Device.objects.exclude(merged_into=None).exists()
    assert "different teams" in desk.get(DEVICES).content.decode()


def test_a_device_that_is_renamed_keeps_what_was_measured_on_it(cast: Cast, boards: list[Device], client: Client) -> None:
    run = cast.run(Status.FINISHED)
    Measurement.objects.create(team=cast.team, run=run, variant_name="x", metric="latency_ms_p50", unit="ms", origin="measured",
                               value=4.25, device="pi 0")
    actions.change(cast.alice, boards[0], {"name": "oven"})
    client.force_login(cast.victor)
    assert "4.25" in client.get(f"/experiments/measured/on-device/{boards[0].pk}/").content.decode()


def test_one_code_lets_so_many_boards_join(desk: Client, cast: Cast) -> None:
    said = {"team": str(cast.team.pk), "boards": "12", "tier": "edge", "location": "lab 2", "labels": "b a"}
    page = desk.post(f"{DEVICES}code/", said).content.decode()
    made = Enrolment.objects.get()
    assert (made.team, made.boards, made.labels, made.tier) == (cast.team, 12, ["a", "b"], "edge")
    assert made.prefix in page and "sh -s --" in page
    assert desk.post(f"{DEVICES}code/", {**said, "boards": "0"}).status_code == 422


def test_agents_are_updated_in_stages_and_no_stage_begins_before_the_last_is_well(
        desk: Client, root: User, boards: list[Device]) -> None:
    version = agent_wheel.wheel().version
    agents = [agent(device, number, "1+old") for number, device in enumerate(boards)]
    Device.objects.filter(pk=boards[0].pk).update(last_seen=timezone.now() - timedelta(days=1))
    assert updating.stage(root, 25) == 1
    first = Agent.objects.get(wanted_version=version)
    assert first.device != boards[0], "who is out of contact is asked last"
    with pytest.raises(Refused, match="is not back with it yet"):
        updating.stage(root, 50)
    page = desk.post(f"{DEVICES}update/", {"percent": "50"})
    assert page.status_code == 422 and "not back with it yet" in page.content.decode()

    Agent.objects.filter(pk=first.pk).update(version=version)
    Device.objects.filter(pk=first.device_id).update(last_seen=timezone.now() - timedelta(hours=1))
    with pytest.raises(Refused, match="lost contact"):
        updating.stage(root, 50)
    Device.objects.filter(pk=first.device_id).update(last_seen=timezone.now())
    assert desk.post(f"{DEVICES}update/", {"percent": "75"}).status_code == 302
    asked = Agent.objects.filter(wanted_version=version)
    assert asked.count() == 3 and agents[0].pk not in asked.values_list("pk", flat=True)
    assert LogEntry.objects.get_for_model(Agent).filter(action=1, actor=root).count() == 3

    assert desk.post(f"{DEVICES}update/", {"percent": "75", "stop": "1"}).status_code == 302
    assert Agent.objects.filter(wanted_version=version).count() == 1


def test_a_stage_may_be_of_one_label(root: User, boards: list[Device]) -> None:
    for number, device in enumerate(boards):
        agent(device, number, "1+old")
    assert updating.stage(root, 100, "n2") == 1
    assert Agent.objects.exclude(wanted_version="").get().device == boards[2]
    assert updating.standing("n3").all == 1


@pytest.mark.parametrize("path", ["", "?q=pi", "code/", "update/", "import/", "export/", "add/"])
def test_its_pages_open_for_operators_with_the_right_and_for_nobody_else(
        desk: Client, cast: Cast, boards: list[Device], path: str) -> None:
    assert desk.get(DEVICES + path).status_code == 200
    for person in (cast.olga, cast.alice):
        desk.force_login(person)
        assert desk.get(DEVICES + path).status_code in (302, 403)


@pytest.mark.parametrize("name", ["link", "profile", "enrolment", "agent", "baseline"])
def test_what_hangs_on_devices_is_on_the_desk_too(desk: Client, cast: Cast, boards: list[Device], name: str) -> None:
    made = {"link": Link(team=cast.team, source=boards[0], target=boards[1], latency_ms=1, bandwidth_mbps=1),
            "profile": Profile(team=cast.team, device=boards[0], network="n", blocks=1, total_ms=1, form="house", body={}),
            "enrolment": Enrolment(team=cast.team, digest="d" * 64, prefix="CODE", expires=timezone.now()),
            "agent": Agent(device=boards[0], prefix="agent001", digest="x" * 64, version="1"),
            "baseline": Baseline(device=boards[0], at=timezone.now(), median_ms=1)}[name]
    made.save()
    for path in ("", "?q=pi", f"{made.pk}/change/"):
        page = desk.get(f"/admin/devices/{name}/{path}")
        assert page.status_code == 200 and "d" * 64 not in page.content.decode() and "x" * 64 not in page.content.decode()


def test_the_trail_is_read_by_operators_and_changed_by_nobody(desk: Client, cast: Cast, boards: list[Device]) -> None:
    actions.retire(cast.alice, boards[0])
    line = LogEntry.objects.filter(action=1).first()
    assert line and "retired" in desk.get("/admin/auditlog/logentry/?q=alice").content.decode()
    assert desk.get(f"/admin/auditlog/logentry/{line.pk}/change/").status_code == 200
    assert desk.post(f"/admin/auditlog/logentry/{line.pk}/delete/", {"post": "yes"}).status_code == 403


def test_one_device_is_changed_on_its_own_page_and_found_by_its_label(desk: Client, root: User, boards: list[Device]) -> None:
    where = f"{DEVICES}{boards[0].pk}/change/"
    said = {"team": str(boards[0].team_id), "name": "pi 0", "tier": "cloud", "labels": "B a", "draining": "on"}
    assert desk.post(where, said).status_code == 302
    boards[0].refresh_from_db()
    assert (boards[0].tier, boards[0].labels, boards[0].draining) == ("cloud", ["a", "b"], True)
    assert LogEntry.objects.get_for_object(boards[0]).filter(action=1, actor=root).count() == 1
    page = desk.post(where, {**said, "labels": "{"})
    assert page.status_code == 200 and "characters that a label cannot have" in page.content.decode()
    page = desk.post(where, {**said, "team": str(Team.objects.get(name="Others").pk)})
    assert page.status_code == 200 and "stays with its team" in page.content.decode()
    listed = desk.get(f"{DEVICES}?label=n2").content.decode()
    assert "pi 2" in listed and "pi 3" not in listed
