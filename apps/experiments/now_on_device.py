"""What a device does now: the run that it holds, how far it is, the samples that arrive; and what waits for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.devices.models import Device
from apps.experiments.evidence import nothing_runs
from apps.experiments.models import HELD, LIVE, Run
from apps.experiments.on_devices import held_by_others, holding
from apps.experiments.results import listed, recipe_of
from apps.live.models import Event

MOST = 20


@require_safe
def now_on_device(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment of a device's page; while something runs it asks for itself again."""
    device: Device = get_object_or_404(Device.objects.visible_to(request.user), pk=pk)
    mine = Run.objects.visible_to(request.user).filter(status__in=LIVE)
    there = (Q(queue=device.queue) | Q(inputs__device__id=str(device.pk))) & ~Q(recipe__in=nothing_runs())
    here = listed(mine.filter(there | holding([device])).order_by("number")[:MOST])
    held = [run for run in here if run.status in HELD]
    waiting = [run for run in here if run.status not in HELD]
    return render(request, "experiments/_now_on_device.html", {
        "device": device, "held": [_held(run, device) for run in held], "waiting": waiting,
        "is_of_others": not held and bool(held_by_others(request.user, [device]))})


def _held(run: Run, device: Device) -> dict[str, Any]:
    """A run for a board that is on another queue prepares what this board shall be sent."""
    return {"run": run, "prepares": not device.host and run.queue != device.queue, **_samples(run)}


def _samples(run: Run) -> dict[str, Any]:
    """How many samples have arrived, what the newest is and since when: nothing of a run that draws none."""
    recipe = recipe_of(run)
    names = sorted({name for chart in recipe.charts if chart.kind == "samples" for name in chart.y}) if recipe else []
    if not names:
        return {"samples": 0}
    rows = Event.objects.filter(stream=run.stream_id, type="metric", body__name__in=names)
    newest = rows.order_by("-seq").first()
    name = str(newest.body.get("name", "")) if newest else ""
    return {"samples": rows.count(), "newest": newest, "unit": "ms" if name.endswith("_ms") else ""}
