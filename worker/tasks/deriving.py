"""The desk, for files made of variants on request: folded networks and slices, each made by a limited child."""

from __future__ import annotations

import threading
from typing import Any

from celery import current_app, shared_task
from django.conf import settings
from django.db import connections

from apps.catalog import blobs, derived
from apps.catalog.models import DerivedFile
from worker.inspection.order import Order
from worker.tasks import inspecting
from worker.tasks.desk_jobs import MOST_CPU_S, Attempt

# One at a time in a process: the desk's other thread must stay free for uploads and for the reaper.
_turn = threading.Lock()


@shared_task(name="worker.tasks.derive")  # type: ignore[untyped-decorator]
def derive() -> None:
    """Make the file that was asked for longest ago, and ask for the next one: between two of them the desk does other things."""
    if not _turn.acquire(blocking=False):
        return
    try:
        if not inspecting.stopping.is_set() and (job := derived.claim()):
            _Deriving(derived.jobs, job).run()
    finally:
        _turn.release()
        tend()
        connections.close_all()


def tend() -> None:
    """Also for the reaper: wake the desk for files whose message was lost or whose worker died."""
    if not _turn.locked() and not inspecting.stopping.is_set() and derived.waiting():
        current_app.send_task("worker.tasks.derive", queue="inspect", retry=False, expires=settings.REAPER_S)


class _Deriving(Attempt[DerivedFile]):
    def order(self) -> Order:
        kind = "slices" if self.job.kind == DerivedFile.Kind.SLICES else "folded"
        return Order(
            kind=kind, file=str(blobs.local(self.variant.file_id)), folder=str(self.folder), name=self.variant.name,
            after=self.job.after, memory_bytes=settings.INSPECT_MEMORY_BYTES, file_bytes=settings.INSPECT_UNPACKED_BYTES,
            cpu_s=MOST_CPU_S)

    def keep(self, found: dict[str, Any]) -> None:
        files = {each["part"]: blobs.keep(self.folder / each["file"]) for each in found["files"]}
        derived.settle(self.job, files, {"files": found["files"], "parity": found["parity"]})
