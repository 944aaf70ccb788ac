"""What runs on devices now and what waits for them: a fragment of the device list, which knows no runs itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.devices.models import Device
from apps.experiments.evidence import nothing_runs
from apps.experiments.models import HELD, LIVE, STANDS, Hosting, Run, Standing

MOST, MOST_RUNS = 50, 500


@require_safe
def running_on_devices(request: HttpRequest) -> HttpResponse:
    """For each device that is asked for, the runs that it does and how many wait; runs of others are not told."""
    devices = list(Device.objects.visible_to(request.user).filter(pk__in=_asked(request)).only("pk", "name", "host", "busy"))
    queues = {device.queue: str(device.pk) for device in devices}
    ids = {str(device.pk) for device in devices}
    there = Q(board__in=devices) | Q(inputs__device__id__in=sorted(ids)) | Q(queue__in=sorted(queues))
    mine = Run.objects.visible_to(request.user).filter(status__in=LIVE)
    rows = mine.filter(there & ~Q(recipe__in=nothing_runs()) | holding(devices)).select_related("experiment").order_by("number")
    on: dict[str, list[Run]] = {pk: [] for pk in ids}
    for run in rows[:MOST_RUNS]:
        asked = str(run.board_id or run.inputs.get("device", {}).get("id"))
        if place := asked if asked in ids else queues.get(run.queue) or queues.get(f"bench.{_host(run)}", ""):
            on[place].append(run)
    others = held_by_others(request.user, devices)
    return render(request, "experiments/_on_devices.html", {
        "rows": [_row(device, on[str(device.pk)], others) for device in devices]})


def _row(device: Device, runs: list[Run], others: set[UUID]) -> dict[str, Any]:
    held = [run for run in runs if run.status in HELD]
    return {"device": device, "run": held[0] if held else None, "waiting": len(runs) - len(held),
            "is_of_others": device.pk in others}


def holding(devices: Sequence[Device]) -> Q:
    """Runs that keep one of these devices busy: of its own queue, or of any other that a worker of its computer holds."""
    found = Q(queue__in=sorted({device.queue for device in devices}))
    for host in sorted({device.host for device in devices} - {""}):
        found |= Q(worker__endswith=f"@{host}")
    return found & Q(status__in=HELD)


def held_by_others(user: Any, devices: Sequence[Device]) -> set[UUID]:
    """The devices that runs keep busy which this person may not see; which runs is not told."""
    seen = Run.objects.visible_to(user).filter(status__in=HELD)
    unseen = Run.objects.filter(holding(devices)).exclude(pk__in=seen.values("pk"))
    queues = {queue for run in unseen.only("queue", "worker")[:MOST_RUNS] for queue in (run.queue, f"bench.{_host(run)}")}
    return {device.pk for device in devices if device.queue in queues}


def _host(run: Run) -> str:
    """The computer of the worker that holds it; nothing of a run that waits, or that a board holds."""
    return run.worker.rpartition("@")[2] if "@" in run.worker else ""


def _asked(request: HttpRequest) -> list[UUID]:
    found = []
    for text in request.GET.getlist("device")[:MOST]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def follow_merged(sender: Any, kept: Device, other: Device, **_: Any) -> None:
    """Two entries were one board: what waits for the one goes to the other; what a run copied of it stays as it was."""
    Run.objects.filter(board=other).update(board=kept)
    # Those that are held too: given back, they wait again. A computer's own queue is its host's, and stays.
    Run.objects.filter(status__in=LIVE, queue=f"bench.{other.pk.hex}").update(queue=f"bench.{kept.pk.hex}")
    # A slice that stands there is spoken of by an agent of the entry that goes.
    slices = Hosting.objects.filter(device=other)
    slices.filter(state__in=STANDS).update(state=Standing.GONE, reason="its board was entered twice, and this entry is no more")
    slices.update(device=kept)
