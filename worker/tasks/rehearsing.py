"""The desk, for what training a variant needs of memory: one at a time is rehearsed by a limited child, and kept."""

from __future__ import annotations

import threading
from typing import Any

from celery import current_app, shared_task
from django.conf import settings
from django.db import connections

from apps.catalog import blobs, rehearsals
from apps.catalog.models import Rehearsal
from worker.inspection.order import Order
from worker.tasks import inspecting
from worker.tasks.desk_jobs import Attempt

# One at a time in a process: the desk's other thread must stay free for uploads and for the reaper.
_turn = threading.Lock()


@shared_task(name="worker.tasks.rehearse")  # type: ignore[untyped-decorator]
def rehearse() -> None:
    """Rehearse for whom waits longest, and ask for the next one: between two of them the desk does other things."""
    if not _turn.acquire(blocking=False):
        return
    try:
        if not inspecting.stopping.is_set() and (job := rehearsals.jobs.claim()):
            _Rehearsing(rehearsals.jobs, job).run()
    finally:
        _turn.release()
        tend()
        connections.close_all()


def tend() -> None:
    """Also for the reaper: wake the desk for variants whose message was lost or whose worker died."""
    if not _turn.locked() and not inspecting.stopping.is_set() and rehearsals.jobs.waiting():
        current_app.send_task(rehearsals.TASK, queue="inspect", retry=False, expires=settings.REAPER_S)


class _Rehearsing(Attempt[Rehearsal]):
    def order(self) -> Order:
        return Order(
            kind="needs", file=str(blobs.local(self.variant.file_id)), folder=str(self.folder), name=self.variant.name,
            memory_bytes=settings.INSPECT_MEMORY_BYTES, file_bytes=settings.INSPECT_UNPACKED_BYTES, cpu_s=settings.INSPECT_CPU_S)

    def keep(self, found: dict[str, Any]) -> None:
        rehearsals.settle(self.job, found["needs"])
