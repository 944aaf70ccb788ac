"""Rows that are jobs of the desk: claimed by one worker under a lease with a fencing token, given up after a few attempts.

A worker that dies loses nothing, a lost message neither: the row is the job, and the message only wakes somebody.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Generic, TypeVar

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from apps.catalog.models import DeskJob

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 3
_messenger = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wake-desk")
Job = TypeVar("Job", bound=DeskJob)


class Fenced(Exception):
    """Somebody else does this job now, or it is gone. Stop; write nothing more."""


class Jobs(Generic[Job]):
    """The jobs of one table. `task` names what the desk runs; `given_up` is the reason after the last attempt."""

    def __init__(self, rows: type[Job], task: str, given_up: str) -> None:
        self.rows, self.task, self.given_up = rows, task, given_up

    def wake(self) -> None:
        """Tell the desk that a job waits; never raises and never waits. A lost message loses nothing: see `waiting`."""
        _messenger.submit(self._wake)

    def _wake(self) -> None:
        try:
            current_app.send_task(self.task, queue="inspect", retry=False, expires=settings.LEASE_S)
        except Exception as error:
            log.warning("The broker did not take the wake-up of the desk (%s); the reaper will try again", error)

    def waiting(self) -> bool:
        """Whether a job waits and nobody is at it."""
        found: bool = self._objects.filter(self._free).exists()
        return found

    @transaction.atomic
    def claim(self) -> Job | None:
        """Take the job that waits longest; one that was tried too often is given up on the way."""
        while True:
            rows = self._objects.filter(self._free).select_for_update(skip_locked=True, of=("self",))
            job: Job | None = rows.select_related("variant").order_by("asked").first()
            if job is None:
                return None
            if job.attempts < MOST_ATTEMPTS:
                lease = Now() + Value(timedelta(seconds=settings.LEASE_S))
                self._objects.filter(pk=job.pk).update(lease_until=lease, token=F("token") + 1, attempts=F("attempts") + 1)
                job.refresh_from_db(fields=["token", "attempts", "lease_until"])
                return job
            self._objects.filter(pk=job.pk).update(why=self.given_up, lease_until=None, asked=timezone.now())

    def mine(self, job: Job) -> Any:
        """The row, as long as nobody else has taken it."""
        return self._objects.filter(self._unfinished, pk=job.pk, token=job.token)

    def renew(self, job: Job) -> None:
        if not self.mine(job).update(lease_until=Now() + Value(timedelta(seconds=settings.LEASE_S))):
            raise Fenced(str(job))

    def release(self, job: Job) -> None:
        """This worker stops; the attempt does not count."""
        self.mine(job).update(lease_until=None, attempts=F("attempts") - 1)

    def yield_turn(self, job: Job) -> None:
        """This attempt died; the next one may begin at once."""
        self.mine(job).update(lease_until=None)

    def give_up(self, job: Job, why: str) -> None:
        """It cannot be done; the row keeps the reason."""
        self.mine(job).update(why=why, lease_until=None, asked=timezone.now())

    @property
    def _objects(self) -> Any:
        return self.rows._default_manager

    @property
    def _unfinished(self) -> Q:
        return self.rows.UNFINISHED

    @property
    def _free(self) -> Q:
        return self._unfinished & (Q(lease_until=None) | Q(lease_until__lt=Now()))
