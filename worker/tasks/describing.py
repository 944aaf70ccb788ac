"""The desk, for what variants are made of: one at a time is described by a limited child, and kept beside the variant."""

from __future__ import annotations

import threading
from typing import Any

from celery import current_app, shared_task
from django.conf import settings
from django.db import connections

from apps.catalog import blobs, shelf, structures
from apps.catalog.models import Description
from worker.inspection.order import Order
from worker.tasks import inspecting
from worker.tasks.desk_jobs import MOST_CPU_S, Attempt

TOO_LARGE = "What it is made of takes {size:,} bytes to tell; at most {most:,} are kept."
# One at a time in a process: the desk's other thread must stay free for uploads and for the reaper.
_turn = threading.Lock()


@shared_task(name="worker.tasks.describe")  # type: ignore[untyped-decorator]
def describe() -> None:
    """Describe the variant that waits longest, and ask for the next one: between two of them the desk does other things."""
    if not _turn.acquire(blocking=False):
        return
    try:
        if not inspecting.stopping.is_set() and (job := structures.claim()):
            _Describing(structures.jobs, job).run()
    finally:
        _turn.release()
        tend()
        connections.close_all()


def tend() -> None:
    """Also for the reaper: wake the desk for variants whose message was lost or whose worker died."""
    if not _turn.locked() and not inspecting.stopping.is_set() and structures.waiting():
        current_app.send_task("worker.tasks.describe", queue="inspect", retry=False, expires=settings.REAPER_S)


class _Describing(Attempt[Description]):
    def order(self) -> Order:
        onnx = str(blobs.local(self.variant.onnx_id)) if self.variant.onnx_id else ""
        return Order(
            kind="structure", file=str(blobs.local(self.variant.file_id)), folder=str(self.folder), name=self.variant.name,
            onnx=onnx, memory_bytes=settings.INSPECT_MEMORY_BYTES, file_bytes=settings.INSPECT_UNPACKED_BYTES, cpu_s=MOST_CPU_S)

    def keep(self, found: dict[str, Any]) -> None:
        file = self.folder / found["structure"]
        size = file.stat().st_size
        if size > shelf.MOST_BYTES:
            return structures.give_up(self.job, TOO_LARGE.format(size=size, most=shelf.MOST_BYTES))
        structures.settle(self.job, blobs.keep(file))
