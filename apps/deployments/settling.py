"""How a deployment ends: taken or refused by its board, or withdrawn; and what becomes of those that build on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.deployments.models import Deployment, Kind, Served, State
from apps.devices.boards import states
from apps.devices.models import Agent, Device

LONGEST = 400
ELSEWHERE = "The board took number {number} after all, and this builds on another network."


def tell(device: Device) -> None:
    """Whoever looks at the device sees that something changed. Inside a transaction."""
    states.say(device, networks=True)


def withdraw(rows: Sequence[Deployment], why: str) -> None:
    _withdraw(Deployment.objects.filter(pk__in=[row.pk for row in rows]), why)


def withdraw_all(device: Device, why: str) -> None:
    _withdraw(_waiting(device.pk), why)


def withdraw_behind(row: Deployment, why: str) -> None:
    """Whatever waits behind it and can no longer be taken: each change up to the next first network."""
    _withdraw(_changes_from(row.device_id, row.number + 1), why)


@transaction.atomic
def hear(agent: Agent, deployment: Any, state: str, reason: str, tried: bool) -> Deployment | None:
    """What the board says became of it; None when it is not for this board. Said again it changes nothing.

    One that was withdrawn while the board took it is taken all the same.
    """
    Device.objects.select_for_update(of=("self",), no_key=True).get(pk=agent.device_id)
    rows = Deployment.objects.select_related("device__team")
    row: Deployment | None = rows.filter(pk=deployment, device=agent.device_id, addressed_to=agent.instance).first()
    if row is None or row.state == state or not (row.is_waiting or (row.state == State.WITHDRAWN and state == State.TAKEN)):
        return row
    was_withdrawn = row.state == State.WITHDRAWN
    _settle(row, State(state), reason, tried)
    if state == State.REFUSED:
        withdraw_behind(row, f"The board refused number {row.number}, on which it builds.")
    elif was_withdrawn:
        _withdraw_what_builds_elsewhere(row, agent)
    tell(row.device)
    return row


def _withdraw_what_builds_elsewhere(taken: Deployment, agent: Agent) -> None:
    """What was sent after it was withdrawn counts on another network than the board serves now."""
    served = Served.objects.filter(agent=agent).first()
    kept = taken.result_sha256 if taken.kind == Kind.FIRST or served is None else served.first_sha256
    serving = taken.result_sha256
    for row in _changes_from(taken.device_id, 0).order_by("number").only("device_id", "number", "base_sha256", "result_sha256"):
        if row.base_sha256 not in (serving, kept):
            _withdraw(_changes_from(taken.device_id, row.number), ELSEWHERE.format(number=taken.number))
            return
        serving = row.result_sha256


def _waiting(device: Any) -> QuerySet[Deployment]:
    return Deployment.objects.filter(device=device, state=State.WAITING)


def _changes_from(device: Any, number: int) -> QuerySet[Deployment]:
    """Those that wait, from this number up to the next first network."""
    rows = _waiting(device).filter(number__gte=number)
    first = rows.filter(kind=Kind.FIRST).order_by("number").values_list("number", flat=True).first()
    return rows if first is None else rows.filter(number__lt=first)


def _withdraw(rows: QuerySet[Deployment], why: str) -> None:
    rows.update(state=State.WITHDRAWN, reason=why[:LONGEST], tried=None, settled=timezone.now(), head=b"", body=None, batch=None)


def _settle(row: Deployment, state: State, why: str, tried: bool | None) -> None:
    """The bytes are kept for those that wait only: the run has its files."""
    now: datetime = timezone.now()
    row.state, row.reason, row.tried, row.settled = state, why[:LONGEST], tried, now
    row.head, row.body, row.batch = b"", None, None
    row.save(update_fields=["state", "reason", "tried", "settled", "head", "body", "batch"])
