"""A run that this computer leads while other parts of it stand on boards: waiting until all of them do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections, transaction

from apps.experiments import hostings, leases, members, standing
from apps.experiments.models import Run
from worker.context import HostInput
from worker.events import Cancelled, Failed

log = logging.getLogger(__name__)
LOOK_S, AGAIN_S = 1.0, 5.0
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
        is_patient = looked * LOOK_S <= settings.BOARD_LEASE_S
        found = None if why else persist(partial(_stands, run, is_patient=is_patient))
        if found and found.broken:
            return Failed(reason=found.broken)
        if found and found.ready:
            return tuple(_host(each) for each in found.ready)
        looked += 1
        if why and looked * LOOK_S > settings.BOARD_LEASE_S:
            return Failed(reason=f"Its other parts could not begin within {settings.BOARD_LEASE_S:.0f} s: {why}.")
        stopping.wait(LOOK_S)
    return None


def ask_again(run: Run, order: dict[str, Any], done: threading.Event) -> None:
    """Whoever came meanwhile, until that is over. A database that is away is waited for."""
    while not done.wait(AGAIN_S):
        try:
            members.again(run, order)
        except (InterfaceError, OperationalError) as error:
            log.warning("Boards could not be asked again: %r", error)
        finally:
            connections.close_all()


def _reserved(run: Run, order: dict[str, Any]) -> str:
    with transaction.atomic():
        held = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
        return str(_asked(run).reserve(held, order))


def _stands(run: Run, *, is_patient: bool) -> hostings.Hosts:
    """Of boards that take part each by itself a slow one keeps the others waiting no longer than a lease."""
    return members.of_run(run, is_patient=is_patient) if standing.is_star(run.recipe) else hostings.of_run(run)


def _asked(run: Run) -> Any:
    """Parts of a chain stand all or none; boards that take part each by itself need not all be there."""
    return members if standing.is_star(run.recipe) else hostings


def _host(each: Any) -> HostInput:
    return HostInput(part=each.part, device=each.name, run=str(each.run_id), addresses=tuple(each.hosts), port=each.port or 0,
                     pin=each.fingerprint, token=hostings.token_of(each), relayed=str(each.pk) if each.relayed else "")
