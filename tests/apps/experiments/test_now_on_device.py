"""What a device does now: the run it holds, how far it is, the samples that arrive, what waits; and its state beside a run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Membership
from apps.devices.models import Device
from apps.experiments.models import Run, Status
from apps.live.models import Saying
from tests.apps.cast import Cast


@pytest.fixture
def board(cast: Cast) -> Device:
    return Device.objects.create(team=cast.team, name="pi4", last_seen=timezone.now(), busy=True)


def held(cast: Cast, board: Device, **more: object) -> Run:
    facts = {"recipe": "benchmarking.latency", "queue": board.queue, "started_at": timezone.now(),
             "inputs": {"device": {"kind": "device", "id": str(board.pk), "name": board.name}}}
    return cast.run(Status.RUNNING, **facts | more)


def now(client: Client, cast: Cast, board: Device) -> str:
    client.force_login(cast.victor)
    return client.get(f"/experiments/running/on-device/{board.pk}/").content.decode()


def test_the_run_that_it_holds_with_its_newest_sample(cast: Cast, board: Device, client: Client) -> None:
    run = held(cast, board)
    with transaction.atomic():
        run.stream.append([Saying("metric", {"name": "latency_ms", "value": value, "step": at, "labels": {}})
                           for at, value in enumerate((12.5, 13.25))])
    said = now(client, cast, board)
    assert f"run {run.number}" in said and "2 samples arrived, the newest 13.2 ms" in said and "every 2s" in said


def test_what_waits_and_what_is_prepared_for_it(cast: Cast, board: Device, client: Client) -> None:
    waiting = cast.run(Status.QUEUED, queue=board.queue)
    held(cast, board, queue="cpu")
    said = now(client, cast, board)
    assert "is being prepared in the portal" in said and f"run {waiting.number}</a>" in said.split("Waiting for it")[1]


def test_a_device_that_is_busy_for_others_names_no_run_and_asks_rarely(cast: Cast, board: Device, client: Client) -> None:
    run = held(cast, board)
    Run.objects.update(team=Membership.objects.get(user=cast.mallory).team)
    said, short = now(client, cast, board), client.get(f"/experiments/running/on-devices/?device={board.pk}").content.decode()
    assert "another team" in said and "every 10s" in said and f"run {run.number}" not in said and "another team's run" in short
    Run.objects.update(status=Status.FINISHED)
    assert "Nothing of this team runs on it." in now(client, cast, board), "the device has not yet said that it is idle"


def test_a_computer_is_busy_with_ones_own_run_of_another_queue(cast: Cast, board: Device, client: Client) -> None:
    Device.objects.update(host="edge-7")
    run = cast.run(Status.RUNNING, queue="cpu", worker="w1@edge-7", started_at=timezone.now())
    cast.run(Status.QUEUED, queue="bench.edge-7")
    said, short = now(client, cast, board), client.get(f"/experiments/running/on-devices/?device={board.pk}").content.decode()
    assert f"run {run.number}<" in said and "another team" not in said and "prepared" not in said
    assert f'>run {run.number}</a> <small class="of">and 1 waits</small>' in short


def test_the_head_of_a_run_moves_with_the_state_of_its_board(cast: Cast, board: Device, client: Client) -> None:
    run = held(cast, board)
    client.force_login(cast.victor)
    assert "is-busy" in client.get(f"/runs/{run.pk}/head/").content.decode()
    Device.objects.update(last_seen=timezone.now() - timedelta(minutes=5))
    said = client.get(f"/runs/{run.pk}/head/").content.decode()
    assert "contact lost" in said and "Nothing is lost: the run waits for it" in said


def test_a_run_that_has_ended_says_no_state_of_a_board(cast: Cast, board: Device, client: Client) -> None:
    run = held(cast, board)
    Run.objects.update(status=Status.FINISHED, finished_at=timezone.now())
    client.force_login(cast.victor)
    assert 'id="board"' not in client.get(f"/runs/{run.pk}/head/").content.decode()


def test_the_pages_of_devices_follow_the_teams_stream(cast: Cast, board: Device, client: Client) -> None:
    client.force_login(cast.victor)
    for path in ("/devices/", f"/devices/{board.pk}/"):
        said = client.get(path).content.decode()
        assert 'id="devices-live"' in said and "device_now" in said and "device-said from:body" in said
