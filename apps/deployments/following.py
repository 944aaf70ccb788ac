"""What deployments do when two entries of one board become one."""

from __future__ import annotations

from typing import Any

from apps.deployments import settling
from apps.deployments.models import Deployment, State
from apps.devices.desk.merging import merged
from apps.devices.models import Agent, Device

OTHER_AGENT = "Its board was entered twice, and this entry is no more."


def listen() -> None:
    merged.connect(_follow, dispatch_uid="deployments of merged devices")


def _follow(sender: Any, kept: Device, other: Device, **_: Any) -> None:
    """They are the kept entry's; what waits for an agent that was ended is withdrawn."""
    Deployment.objects.filter(device=other).update(device=kept)
    living = Agent.objects.filter(device=kept, revoked=None).values("instance")
    waiting = Deployment.objects.filter(device=kept, state=State.WAITING).exclude(addressed_to__in=living)
    settling.withdraw(list(waiting), OTHER_AGENT)
