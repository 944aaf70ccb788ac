"""The desk, for saved plans: those that rest on something that changed are held against it, one round at a time."""

from __future__ import annotations

import threading

from celery import current_app, shared_task
from django.conf import settings
from django.db import connections

from apps.plans import reviewing

_turn = threading.Lock()
TASK = "worker.tasks.review_plans"


@shared_task(name=TASK)  # type: ignore[untyped-decorator]
def review_plans() -> None:
    """One round in a process at a time: what comes meanwhile is found by the next."""
    if not _turn.acquire(blocking=False):
        return
    try:
        reviewing.tend()
    finally:
        _turn.release()
        connections.close_all()


def tend() -> None:
    """Also for the reaper: wake the desk for plans whose message was lost, and for those that nobody looked at for long."""
    if not _turn.locked() and reviewing.is_due():
        current_app.send_task(TASK, queue="inspect", retry=False, expires=settings.REAPER_S)
