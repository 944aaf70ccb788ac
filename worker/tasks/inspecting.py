"""The desk: one upload at a time is gathered, inspected by a limited child, and becomes rows or a refusal."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

from celery import current_app, shared_task
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections, transaction

from apps.accounts.refusal import Refused
from apps.catalog import checking, objects, parts, room, settling, wishes
from apps.catalog.models import Dataset, Upload, Variant
from apps.experiments import actions
from worker.forkserver import Child, ForkServer
from worker.inspection.order import Fresh, Order

log = logging.getLogger(__name__)
LISTEN_S = 0.5
MOST_DATASETS = 3
ACCURACY = "benchmarking.accuracy"
LOST = "A part of the file is missing in the store; send the file again."
TOO_LONG = "Checking the file took more than {seconds:,} s of computing; it was stopped."
forks = ForkServer(idle_s=settings.INSPECT_IDLE_S, child="worker.inspection.child")
stopping = threading.Event()
# One at a time in a process: the other thread of the desk must stay free for questions and for the reaper.
_turn = threading.Lock()


@shared_task(name="worker.tasks.inspect")  # type: ignore[untyped-decorator]
def inspect() -> None:
    """Check uploads, the longest waiting first, until none waits. Which message woke us does not matter."""
    if not _turn.acquire(blocking=False):
        return
    try:
        while not stopping.is_set() and (upload := checking.claim()):
            _Inspection(upload).run()
    finally:
        _turn.release()
        connections.close_all()


def tend() -> None:
    """For the reaper: wake the desk for uploads whose message was lost or whose worker died; forget stale ones."""
    checking.sweep()
    if checking.waiting() and not _turn.locked():
        current_app.send_task("worker.tasks.inspect", queue="inspect", retry=False, expires=settings.REAPER_S)


class _Inspection:
    """One attempt at one upload; the only one who writes for it while its lease lasts."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.folder = Path(settings.INSPECTIONS) / f"{upload.pk.hex}-{upload.token}"
        self.renewed = time.monotonic()
        self.sha256 = ""

    def run(self) -> None:
        try:
            self._inspect()
        except checking.Fenced:
            log.info("Upload %s was abandoned or taken over; this check of it stops", self.upload.pk)
        except DatabaseError:
            # Its lease runs out and it is taken up again.
            log.exception("The database refused what the check of upload %s said", self.upload.pk)
        except Exception:
            log.exception("The check of upload %s broke", self.upload.pk)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
            connections.close_all()

    def _inspect(self) -> None:
        if not self.upload.is_fresh:
            checking.step(self.upload, "gathering")
        file = self._gathered()
        if file is None:
            return checking.refuse(self.upload, LOST)
        child = forks.spawn(self._order(file))
        try:
            answer = self._follow(child)
        finally:
            child.kill()
            child.close()
        if answer is not None:
            self._conclude(answer)

    def _gathered(self) -> Path | None:
        """The whole file in a folder of this attempt, and its hash; None when the store lost a part of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "upload"
        try:
            size = parts.gather(self.upload, file, self._still_ours)
        except (FileNotFoundError, objects.Missing, ValueError):
            log.exception("The parts of upload %s are not whole", self.upload.pk)
            return None
        with file.open("rb") as whole:
            self.sha256 = hashlib.file_digest(whole, "sha256").hexdigest() if size else ""
        self._still_ours()
        return file if size == self.upload.size_bytes else None

    def _still_ours(self) -> None:
        """Prolong the lease when it is time; Fenced when it is somebody else's."""
        if time.monotonic() - self.renewed > settings.HEARTBEAT_S:
            checking.renew(self.upload)
            self.renewed = time.monotonic()

    def _order(self, file: Path) -> Order:
        wish = self.upload.options
        return Order(
            kind=self.upload.kind, file=str(file), folder=str(self.folder),
            name=wish.get("name") or wishes.stem(self.upload.file_name),
            architecture=wish.get("architecture", ""), classes=wish.get("classes"), in_shape=wish.get("in_shape"),
            footage=wish.get("footage"), fresh=self._fresh(),
            unpacked_bytes=settings.INSPECT_UNPACKED_BYTES, memory_bytes=settings.INSPECT_MEMORY_BYTES,
            file_bytes=settings.INSPECT_UNPACKED_BYTES, cpu_s=settings.INSPECT_CPU_S)

    def _fresh(self) -> Fresh | None:
        """Of a network that no file brings: what is drawn, and the room that there is for it now."""
        if not self.upload.is_fresh:
            return None
        said = self.upload.options["fresh"]
        most = min(settings.UPLOAD_LIMITS["model"], room.left_bytes(self.upload.team))
        return Fresh(width=said["width"], seed=said["seed"], most_bytes=most)

    def _follow(self, child: Child) -> dict[str, Any] | None:
        """Its steps as it says them; what it found or refused. None when it died: the attempt counts, another follows."""
        answer: dict[str, Any] | None = None
        while not child.gone:
            for said in child.lines(LISTEN_S):
                if "step" in said:
                    checking.step(self.upload, said["step"], said.get("detail", ""))
                answer = said if "found" in said or "refused" in said else answer
            self._still_ours()
            if stopping.is_set() and answer is None:
                checking.release(self.upload)
                return None
        return answer or self._died(child.exit)

    def _died(self, code: int | None) -> dict[str, Any] | None:
        if code == -signal.SIGXCPU:
            return {"refused": {"why": TOO_LONG.format(seconds=settings.INSPECT_CPU_S)}}
        log.warning("The process that checked upload %s ended without a word (%s)", self.upload.pk, code)
        checking.yield_turn(self.upload)
        return None

    def _conclude(self, answer: dict[str, Any]) -> None:
        if answer.get("trace"):
            log.error("The inspection of upload %s stumbled: %s", self.upload.pk, answer["trace"])
        if "refused" in answer:
            told = answer["refused"]
            return checking.refuse(self.upload, told["why"], mend=told.get("mend", ""), findings=told.get("findings"))
        checking.step(self.upload, "keeping")
        kept = settling.keep(answer["found"], self.folder)
        checking.renew(self.upload)
        try:
            with transaction.atomic():
                made = settling.settle(self.upload, answer["found"], kept, self.sha256)
                measure(self.upload, made)
        except Refused as refused:
            checking.refuse(self.upload, " ".join(refused.errors.values()), mend="model")


def measure(upload: Upload, made: dict[str, Any]) -> None:
    """Have a new network's accuracy measured on the team's newest data sets that fit it, in the name of who sent it."""
    variant: Variant | None = made.get("variant")
    # Of a network that nobody trained there is nothing to measure but chance.
    if variant is None or upload.made_by is None or upload.is_fresh:
        return
    fitting = Dataset.objects.visible_to(upload.made_by).filter(
        team=upload.team, in_shape=variant.model.in_shape, classes=variant.model.classes).order_by("-created")
    for dataset in fitting[:MOST_DATASETS]:
        # Whoever may no longer start runs, or a recipe that is not on the menu: the network is there all the same.
        with contextlib.suppress(Refused), transaction.atomic():
            actions.launch(upload.made_by, upload.team, ACCURACY, {"model": str(variant.pk), "dataset": str(dataset.pk)})

