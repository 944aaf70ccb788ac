"""What a beat means for the device: when it was heard, how it is, what it does; the team's stream hears of every change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.devices.boards.reports import BeatIn, Yardstick
from apps.devices.models import STOPPED, Agent, Baseline, Device
from apps.live.knock import knock
from apps.live.models import Saying, Stream

APART = timedelta(minutes=5)


def say(device: Device, **more: Any) -> None:
    """Tell the team where the device stands. Call it inside a transaction."""
    stream = Stream.of_team(device.team)
    stream.append([Saying("device", {"device": str(device.pk), "name": device.name, "state": device.state, **more})])
    transaction.on_commit(lambda: knock(stream.pk))


@transaction.atomic
def beat(agent: Agent, said: BeatIn, version: str, address: str) -> Device:
    """The agent lives: keep what it says of its board, and a point of its yardstick."""
    rows = Device.objects.select_for_update(of=("self",), no_key=True).select_related("team")
    device: Device = rows.get(pk=agent.device_id)
    before = device.state
    now = _now(device, said)
    # Not `save`: nobody changes the registry here, and the audit trail need not look.
    Device.objects.filter(pk=device.pk).update(**now)
    for field, value in now.items():
        setattr(device, field, value)
    told: dict[str, Any] = {"version": version} if version != agent.version else {}
    # One that falls back to an old version says nothing of slices any more: it knows none.
    if said.data:
        told |= said.data.tell(agent, address)
    elif agent.can_host and said.runtimes:
        told |= {"can_host": False, "data_port": None}
    if told:
        Agent.objects.filter(pk=agent.pk).update(**told)
    if said.baseline:
        _add_point(device, said.baseline)
    if device.state != before:
        say(device, was=before)
    return device


def _add_point(device: Device, point: Yardstick) -> None:
    """One point in five minutes: another within them, said again or new, is ignored, so that no board can fill the table."""
    near = Baseline.objects.filter(device=device, at__gt=point.at - APART, at__lt=point.at + APART)
    if not near.exists():
        Baseline.objects.create(device=device, **point.model_dump())


def _now(device: Device, said: BeatIn) -> dict[str, Any]:
    """What the beat says of the device. Only people drain it: an agent that says so stops, and will be silent from now on."""
    # Of an agent that stopped, beats once kept that it drains.
    by_person = device.draining and not device.health.get("draining")
    now = {"last_seen": timezone.now(), "alerted": None, "busy": said.activity == "busy", "draining": by_person,
           "health": said.health.facts() | ({STOPPED: True} if said.activity == "draining" else {})}
    return now | ({"runtimes": said.runtimes} if said.runtimes else {})
