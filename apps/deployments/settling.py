"""How a deployment ends: taken or refused by its board, or withdrawn; and what becomes of those that build on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.deployments.models import Deployment, Kind, State
from apps.devices.boards import states
from apps.devices.models import Agent, Device

LONGEST = 400


def tell(device: Device) -> None:
    """Whoever looks at the device sees that something changed. Inside a transaction."""
    states.say(device, networks=True)


def withdraw(rows: Sequence[Deployment], why: str) -> None:
    for row in rows:
        _settle(row, State.WITHDRAWN, why, None)


def withdraw_behind(row: Deployment, why: str) -> None:
    """Whatever waits behind it and can no longer be taken: each change up to the next first network."""
    for later in Deployment.objects.filter(device=row.device_id, state=State.WAITING, number__gt=row.number).order_by("number"):
        if later.kind == Kind.FIRST:
            return
        _settle(later, State.WITHDRAWN, why, None)


@transaction.atomic
def hear(agent: Agent, deployment: Any, state: str, reason: str, tried: bool) -> Deployment | None:
    """What the board says became of it; None when it is not for this board. Said again it changes nothing.

    One that was withdrawn while the board took it is taken all the same.
    """
    Device.objects.select_for_update(of=("self",), no_key=True).get(pk=agent.device_id)
    rows = Deployment.objects.select_related("device__team")
    row: Deployment | None = rows.filter(pk=deployment, addressed_to=agent.instance).first()
    if row is None or row.state == state or not (row.is_waiting or (row.state == State.WITHDRAWN and state == State.TAKEN)):
        return row
    _settle(row, State(state), reason, tried)
    if state == State.REFUSED:
        withdraw_behind(row, f"The board refused number {row.number}, on which it builds.")
    tell(row.device)
    return row


def _settle(row: Deployment, state: State, why: str, tried: bool | None) -> None:
    """The bytes are kept for those that wait only: the run has its files."""
    now: datetime = timezone.now()
    row.state, row.reason, row.tried, row.settled = state, why[:LONGEST], tried, now
    row.head, row.body, row.batch = b"", None, None
    row.save(update_fields=["state", "reason", "tried", "settled", "head", "body", "batch"])
