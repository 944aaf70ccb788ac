"""What a beat says of the network on its board is kept, and answered with what waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.deployments import settling
from apps.deployments.models import Deployment, Served, State
from apps.devices.boards import crowd
from apps.devices.boards.networks import heard
from apps.devices.boards.reports import NetworkSaid
from apps.devices.models import Agent

SET_UP_ANEW = "The board was set up anew, and has nothing of what it had; send a first network again."
# A board that falls back says so with every beat: after so many polls it is believed.
POLLS = 2
URL = "/api/agent/deployments/{pk}/{part}"


def listen() -> None:
    heard.connect(_beat, dispatch_uid="networks on boards")


def _beat(sender: Any, agent: Agent, said: NetworkSaid | None, begins: bool, **_: Any) -> dict[str, Any] | None:
    if said is None:
        # One that fell back to an old version knows nothing of networks; a farewell says nothing either.
        if begins:
            Served.objects.filter(agent=agent).delete()
        return None
    keep(agent, said)
    return waiting(agent) if may_take(agent, said) else None


def may_take(agent: Agent, said: NetworkSaid) -> bool:
    """Nothing new begins on a device that is drained."""
    return not (said.cannot or agent.device.retired or agent.device.draining)


def keep(agent: Agent, said: NetworkSaid) -> None:
    """What it serves now; the row is written only when that is another, and then whoever looks is told."""
    known, now = Served.objects.filter(agent=agent).first(), said.model_dump()
    if known and all(getattr(known, field) == value for field, value in now.items()):
        return
    if known and _is_overtaken(agent, said):
        return
    same = bool(known) and (known.number, known.sha256) == (said.number, said.sha256)  # type: ignore[union-attr]
    since = known.since if known and same else timezone.now()
    with transaction.atomic():
        Served.objects.update_or_create(agent=agent, defaults={**now, "since": since})
        settling.tell(agent.device)


def _is_overtaken(agent: Agent, said: NetworkSaid) -> bool:
    """Whether it was sent before the board switched, and is heard after the board has said so."""
    lately = timezone.now() - timedelta(seconds=POLLS * crowd.poll_s())
    taken = Deployment.objects.filter(device=agent.device_id, addressed_to=agent.instance, state=State.TAKEN, settled__gt=lately)
    return bool(taken.filter(number__gt=said.number or 0).exists())


def waiting(agent: Agent) -> dict[str, Any] | None:
    """The next thing that the board shall take; what was signed for a life before this one is withdrawn."""
    rows = Deployment.objects.filter(device=agent.device_id, state=State.WAITING).select_related("body", "batch")
    found = rows.order_by("number").first()
    if found is not None and found.addressed_to != agent.instance:
        with transaction.atomic():
            settling.withdraw(list(rows.exclude(addressed_to=agent.instance).select_for_update(of=("self",))), SET_UP_ANEW)
            settling.tell(agent.device)
        found = rows.order_by("number").first()
    return _told(found) if found else None


def _told(row: Deployment) -> dict[str, Any]:
    batch = _file(row, "batch", "batch.npz", row.batch.sha256, row.batch.size_bytes) if row.batch else None
    return {"deployment": row.pk, "number": row.number, "batch": batch,
            "file": _file(row, "update", f"{row.pk}.update", row.sha256, row.sent_bytes)}


def _file(row: Deployment, part: str, path: str, sha256: str, size_bytes: int) -> dict[str, Any]:
    return {"path": path, "sha256": sha256, "size_bytes": size_bytes, "url": URL.format(pk=row.pk, part=part)}
