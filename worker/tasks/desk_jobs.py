"""One attempt at a job of the desk (`apps.catalog.deskwork`): a limited child does it, and the desk keeps what it made."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import Any, Generic

from django.conf import settings
from django.db import Error as DatabaseError

from apps.catalog import blobs
from apps.catalog.deskwork import Fenced, Job, Jobs
from apps.catalog.models import Variant
from worker.inspection.order import Order
from worker.tasks import inspecting

log = logging.getLogger(__name__)
LISTEN_S = 0.5
MOST_CPU_S = 120
GONE = "The variant's file is no longer in the store, or its bytes are damaged."


class Attempt(Generic[Job]):
    """The only one who writes for the job while its lease lasts. A kind of job says its order and what becomes of the answer."""

    def __init__(self, jobs: Jobs[Job], job: Job) -> None:
        self.jobs, self.job = jobs, job
        self.variant: Variant = job.variant
        self.folder = Path(settings.INSPECTIONS) / f"{job._meta.model_name}-{job.pk.hex}-{job.token}"
        self.renewed = time.monotonic()

    def order(self) -> Order:
        raise NotImplementedError

    def keep(self, found: dict[str, Any]) -> None:
        raise NotImplementedError

    def run(self) -> None:
        try:
            self._do()
        except Fenced:
            log.info("The job %s is gone, or was taken over; this attempt stops", self.job)
        except blobs.Away:
            self.jobs.release(self.job)  # The reaper asks again.
        except blobs.Unreadable:
            log.exception("The file of variant %s is gone or damaged", self.variant.pk)
            self.jobs.give_up(self.job, GONE)
        except DatabaseError:
            log.exception("The database refused what was found of variant %s", self.variant.pk)
        except Exception:
            log.exception("The job %s of variant %s broke", self.job, self.variant.pk)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _do(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        child = inspecting.forks.spawn(self.order())
        try:
            answer = self._follow(child)
        finally:
            child.kill()
            child.close()
        if answer is None:
            return
        if answer.get("trace"):
            log.error("The job %s of variant %s stumbled: %s", self.job, self.variant.pk, answer["trace"])
        if "refused" in answer:
            self.jobs.give_up(self.job, answer["refused"]["why"])
        else:
            self.keep(answer["found"])

    def _follow(self, child: Any) -> dict[str, Any] | None:
        """What it found or refused. None when it died, or this worker stops: somebody tries again."""
        answer: dict[str, Any] | None = None
        while not child.gone:
            for said in child.lines(LISTEN_S):
                answer = said if "found" in said or "refused" in said else answer
            if time.monotonic() - self.renewed > settings.HEARTBEAT_S:
                self.jobs.renew(self.job)
                self.renewed = time.monotonic()
            if inspecting.stopping.is_set() and answer is None:
                self.jobs.release(self.job)
                return None
        if answer is None:
            log.warning("The process of %s, variant %s, ended without a word (%s)", self.job, self.variant.pk, child.exit)
            self.jobs.yield_turn(self.job)
        return answer
