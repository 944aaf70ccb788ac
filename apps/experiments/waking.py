"""The wake-up: a message that tells the workers of a queue that a run waits; the row is the job."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from celery import current_app

log = logging.getLogger(__name__)
_messenger = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wake")


def wake(queue: str) -> None:
    """Tell the workers of a queue that a run waits; never raises and never waits, however slow the broker is.

    A lost or refused message loses nothing: the row waits, and the reaper sends another.
    """
    _messenger.submit(_wake, queue)


def _wake(queue: str) -> None:
    try:
        current_app.send_task("worker.tasks.work", queue=queue, retry=False)
    except Exception as error:
        log.warning("The broker did not take the wake-up for %s (%s); the reaper will try again", queue, error)
