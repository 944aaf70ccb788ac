"""What deployments do when two entries of one board become one, and when a board leaves."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save

from apps.deployments import settling
from apps.deployments.models import Deployment, State
from apps.devices.boards.networks import left
from apps.devices.desk.merging import merged
from apps.devices.models import Agent, Device

OTHER_AGENT = "Its board was entered twice, and this entry is no more."
TOKEN_ENDED = "The token of its board was ended."
RETIRED = "The device was retired."


def listen() -> None:
    left.connect(_end, dispatch_uid="deployments of boards that left")
    # People retire devices on several pages, and by files.
    post_save.connect(_retire, sender=Device, dispatch_uid="deployments of retired devices")
    merged.connect(_follow, dispatch_uid="deployments of merged devices")


def _end(sender: Any, device: Device, **_: Any) -> None:
    settling.withdraw_all(device, TOKEN_ENDED)


def _retire(sender: Any, instance: Device, **_: Any) -> None:
    if instance.retired:
        settling.withdraw_all(instance, RETIRED)


def _follow(sender: Any, kept: Device, other: Device, **_: Any) -> None:
    """They are the kept entry's; what waits for an agent that was ended is withdrawn."""
    Deployment.objects.filter(device=other).update(device=kept)
    living = Agent.objects.filter(device=kept, revoked=None).values("instance")
    waiting = Deployment.objects.filter(device=kept, state=State.WAITING).exclude(addressed_to__in=living)
    settling.withdraw(list(waiting), OTHER_AGENT)
