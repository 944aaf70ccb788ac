"""A run that this computer leads while other parts of it stand on boards: waiting until all of them do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.experiments import hostings, leases
from apps.experiments.models import Run
from worker.context import HostInput
from worker.events import Cancelled, Failed

LOOK_S = 1.0
Persist = Callable[[Callable[[], Any]], Any]
Found = tuple[HostInput, ...] | Failed | Cancelled | None


def hosts(run: Run, order: dict[str, Any], stopping: threading.Event, persist: Persist) -> Found:
    """Where they stand; how the run ends where they cannot; nothing when this worker stops. Fenced when the run is another's."""
    looked, why = 0, "reserve"
    while not stopping.is_set():
        if persist(lambda: leases.wish(run)).cancel:
            persist(lambda: hostings.left(run))
            return Cancelled()
        if why:
            why = persist(lambda: _reserved(run, order))
        found = None if why else persist(lambda: hostings.of_run(run))
        if found and found.broken:
            return Failed(reason=found.broken)
        if found and found.ready:
            return tuple(_host(each) for each in found.ready)
        looked += 1
        if why and looked * LOOK_S > settings.BOARD_LEASE_S:
            return Failed(reason=f"Its other parts could not begin within {settings.BOARD_LEASE_S:.0f} s: {why}.")
        stopping.wait(LOOK_S)
    return None


def _reserved(run: Run, order: dict[str, Any]) -> str:
    with transaction.atomic():
        held = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
        return hostings.reserve(held, order)


def _host(each: Any) -> HostInput:
    return HostInput(part=each.part, device=each.name, run=str(each.run_id), addresses=tuple(each.hosts), port=each.port or 0,
                     pin=each.fingerprint, token=hostings.token_of(each), relayed=str(each.pk) if each.relayed else "")
