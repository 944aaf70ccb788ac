"""Hosts become devices of teams; a run stays its worker's while large files travel."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.devices.models import Agent, Device
from apps.experiments import leases
from apps.experiments.models import Run
from tests.apps.cast import Cast, gather
from tests.portal import until
from worker.tasks.supervisor import Supervisor


def test_a_host_is_registered_for_one_team_or_for_all_and_only_once(cast: Cast) -> None:
    call_command("register_host", "edge-7", "--team", "Edge", stdout=StringIO())
    device = Device.objects.get()
    assert (device.team, device.host, device.queue) == (cast.team, "edge-7", "bench.edge-7")
    said = StringIO()
    call_command("register_host", "edge-7", stdout=said)
    assert Device.objects.count() == 2 and "was there already" in said.getvalue()


@pytest.mark.parametrize("words", [["edge-7", "--team", "Nobody"], ["this computer"]])
def test_a_host_that_cannot_be_registered_gives_one_line(cast: Cast, words: list[str]) -> None:
    Device.objects.create(team=cast.team, name="this computer", host="another")
    with pytest.raises(CommandError, match=r"no team called|has another device called"):
        call_command("register_host", *words)


def test_a_host_on_which_an_agent_lives_is_not_registered(cast: Cast) -> None:
    device = Device.objects.create(team=cast.team, name="both", host="edge-7")
    Agent.objects.create(device=device, prefix="agent001", digest="x" * 64, instance="i1", version="1")
    with pytest.raises(CommandError, match="An agent lives on this device"):
        call_command("register_host", "edge-7", "--team", "Edge")


def test_the_lease_is_kept_while_files_travel(transactional_db: None, settings: Any) -> None:
    settings.LEASE_S, settings.HEARTBEAT_S = 3.0, 0.1
    gather().run(queue="cpu")
    run = leases.claim(["cpu"], "worker@a")
    assert run and run.lease_until
    first = run.lease_until
    with Supervisor(run)._lease_kept():
        until(lambda: held_until(run) > first + timedelta(seconds=1), 10, "the lease is renewed")
        assert leases.take_back_expired() == []
    last = held_until(run)
    time.sleep(0.5)
    assert held_until(run) == last, "nobody renews it any more"
    assert until(leases.take_back_expired, 10, "the lease runs out") == [run]


def held_until(run: Run) -> datetime:
    run.refresh_from_db()
    assert run.lease_until
    return run.lease_until
