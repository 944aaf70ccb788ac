"""The lease of a run on a board: handed over once it is prepared, taken by the board's agent, given back.

A board that falls silent has failed at nothing: its run goes back to its queue and waits for it (see `leases.take_back`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from apps.devices.boards.unwelcome import NotYours, Unwelcome
from apps.devices.models import Agent, Device
from apps.experiments import hostings, leases
from apps.experiments.models import HELD, Run, Status

LOOKED_AT = 20


def _until() -> Any:
    return Now() + Value(timedelta(seconds=settings.BOARD_LEASE_S))


@transaction.atomic
def claim(agent: Agent, request: UUID) -> Run | None:
    """The run that waits longest for this board, or the one that this very request got before. One lease a device."""
    device = _alone(agent)
    rows = Run.objects.filter(board=device, status__in=HELD, board_lease=F("token"))
    held: Run | None = rows.select_for_update(of=("self",)).first()
    if held and held.claim_request == request:
        renew(held)
        return held
    if held and held.lease_until and held.lease_until > timezone.now():
        raise Unwelcome(409, f"This device holds run {held.number} already: end it or give it back first.", run=str(held.pk))
    if held:
        leases.take_back(held, leases.contact_lost(held))
    if device.retired or device.draining or hostings.reserved(device):
        return None
    return _taken(device, request)


def _alone(agent: Agent) -> Device:
    """The agent's device; two requests of one board wait for each other."""
    # Its key stays: rows that refer to the device, as a profile does, need not wait.
    device: Device = Device.objects.select_for_update(of=("self",), no_key=True).get(pk=agent.device_id)
    return device


def waiting(device: Device) -> QuerySet[Run]:
    """The prepared runs that it may take: of its own team, and of the others while it is shared."""
    found = Run.objects.filter(status=Status.QUEUED, queue=device.queue, board=device, order__isnull=False)
    return found if device.shared else found.filter(team=device.team_id)


def _taken(device: Device, request: UUID) -> Run | None:
    rows = waiting(device).order_by("queued_at", "number").select_for_update(skip_locked=True, of=("self",))
    # One whose slices cannot stand now lets those behind it go before.
    run = next((run for run in rows[:LOOKED_AT] if not hostings.reserve(run, run.order or {})), None)
    if run is None:
        return None
    Run.objects.filter(pk=run.pk).update(
        status=Status.RUNNING, token=F("token") + 1, board_lease=F("token") + 1, attempt=F("attempt") + 1, last_batch=0,
        claim_request=request, worker=leases.board_worker(device), worker_pid=None, lease_until=_until(), heartbeat=Now(),
        started_at=Coalesce(F("started_at"), Now()))
    run.refresh_from_db()
    leases.say_status(run)
    return run


def holding(agent: Agent, run: UUID, lease: int | None = None) -> Run:
    """The run, locked, when this agent's device holds it (by this very lease, where one is told)."""
    rows = Run.objects.filter(pk=run, board_id=agent.device_id, status__in=HELD, board_lease=F("token"))
    exact = rows if lease is None else rows.filter(token=lease)
    held: Run | None = exact.select_for_update(of=("self",)).first()
    if held is None:
        raise NotYours
    return held


@transaction.atomic
def release(agent: Agent, run: UUID, lease: int) -> None:
    """The agent stops and gives the run back; the attempt does not count."""
    leases.release(holding(agent, run, lease), "the board's agent was stopped; the run waits for it")


def renew(run: Run) -> None:
    """Prolong the lease; nothing when the run was ended meanwhile."""
    Run.objects.filter(pk=run.pk, token=run.token, status__in=HELD).update(lease_until=_until(), heartbeat=Now())


def is_away(run: Run) -> bool:
    """Whether a board holds the run that was not heard for longer than a quarter of its lease, in which it always speaks."""
    if not run.is_with_board:
        return False
    heard = [at for at in (run.heartbeat, run.board.last_seen if run.board else None) if at]
    return not heard or max(heard) < timezone.now() - timedelta(seconds=settings.BOARD_LEASE_S / 4)
