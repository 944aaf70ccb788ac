"""The Celery envelope: a message wakes a worker, the worker claims a row, supervises its child, and records what it says."""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from celery import current_app, shared_task, signals  # noqa: E402  Django's settings come first
from django.conf import settings  # noqa: E402
from django.db import InterfaceError, OperationalError, connections  # noqa: E402
from django.utils import timezone  # noqa: E402
from kombu import Queue  # noqa: E402
from kombu.exceptions import ChannelError  # noqa: E402

from apps.catalog import blobs  # noqa: E402
from apps.devices.models import Device  # noqa: E402
from apps.experiments import leases, recorder  # noqa: E402
from apps.experiments.models import Run  # noqa: E402
from worker import events  # noqa: E402
from worker.forkserver import Child, ForkServer  # noqa: E402
from worker.job import InputFile, Job  # noqa: E402

log = logging.getLogger(__name__)
BATCH_S, POLL_S, PROGRESS_S, PULSE_S = 0.25, 1.0, 1.0, 30.0
REFUSALS = 5
forks = ForkServer(idle_s=settings.FORKSERVER_IDLE_S)
stopping = threading.Event()


@shared_task(name="worker.tasks.work")  # type: ignore[untyped-decorator]
def work() -> None:
    """Claim runs, the longest waiting first, until none waits. Which message woke us does not matter."""
    try:
        while not stopping.is_set() and (run := leases.claim(settings.WORK_QUEUES, worker_name(), os.getpid())):
            Supervisor(run).supervise()
    finally:
        connections.close_all()


@shared_task(name="worker.tasks.reap")  # type: ignore[untyped-decorator]
def reap() -> None:
    """Take back expired leases, and wake workers for queued runs whose message may be lost."""
    try:
        leases.take_back_expired()
        for queue in leases.unpublished():
            if not _messages_in(queue):
                current_app.send_task("worker.tasks.work", queue=queue, retry=False, expires=settings.LEASE_S)
    finally:
        connections.close_all()


def _messages_in(queue: str) -> int:
    """How many wake-ups wait there already: one is enough, a busy worker shall not find hundreds."""
    with current_app.connection_for_write() as connection, connection.channel() as channel:
        try:
            return int(Queue(queue, channel=channel).queue_declare(passive=True).message_count)
        except ChannelError:
            return 0


def worker_name() -> str:
    return f"{settings.WORKER_NAME}@{settings.HOST}"


class Supervisor:
    """Holds one run's lease while its child works; the only one who writes for the run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.pending: list[events.Event] = []
        self.last_write = self.last_renewal = self.last_poll = self.last_progress = time.monotonic()
        self.progress: events.Progress | None = None
        self.cancelled_at: float | None = None
        self.last_word = time.monotonic()
        self.live: dict[str, Any] = run.live_params
        self.ended = False

    def supervise(self) -> None:
        """Run one attempt to whatever end it has."""
        try:
            child = forks.spawn(job_of(self.run))
        except Exception:
            log.exception("%s could not be started", self.run)
            return leases.take_back(self.run, "its process could not be started; the worker's log tells why")
        try:
            self._follow(child)
        except leases.Fenced:
            log.warning("%s was taken over; this attempt stops", self.run)
        except (InterfaceError, OperationalError):
            log.exception("The database refused what %s said", self.run)
            leases.take_back(self.run, "the database refused what it said; the worker's log tells why")
        except Exception:
            # The same words would be refused the next time.
            log.exception("What %s said could not be kept", self.run)
            leases.give_up(self.run, "What the run said could not be kept; the worker's log tells why.")
        finally:
            child.kill()
            child.close()
            connections.close_all()

    def _follow(self, child: Child) -> None:
        while not child.gone:
            for said in child.lines(BATCH_S):
                self.last_word = time.monotonic()
                self._hear(said)
            self._write_when_due()
            self._tend(child)
            if stopping.is_set() and not self.ended:
                child.kill()
                self._write()
                return leases.release(self.run)
        self._write()
        if not self.ended:
            leases.take_back(self.run, f"its process ended without a word ({_how(child.exit)})")

    def _hear(self, said: dict[str, Any]) -> None:
        if "checkpoint" in said:
            self._persist(lambda: leases.progressed(self.run))
        if "event" in said:
            event = events.read(said["event"])
            if isinstance(event, events.Progress):
                self.progress = event
            else:
                self.pending.append(event)

    def _write_when_due(self) -> None:
        if self.pending and time.monotonic() - self.last_write >= BATCH_S:
            self._write()
        elif self.progress and time.monotonic() - self.last_progress >= PROGRESS_S:
            self._write()

    def _write(self) -> None:
        """One batch, in the order it was said; of several progress reports only the newest."""
        batch = [*self._latest_progress(), *self.pending]
        if not batch:
            return
        self._persist(lambda: recorder.record(self.run, batch))
        self.ended = self.ended or any(isinstance(event, events.TERMINAL) for event in batch)
        self.pending = []
        self.last_write = time.monotonic()

    def _latest_progress(self) -> list[events.Event]:
        if self.progress is None:
            return []
        latest, self.progress, self.last_progress = self.progress, None, time.monotonic()
        return [latest]

    def _tend(self, child: Child) -> None:
        """Prolong the lease, and pass on what the page asks."""
        now = time.monotonic()
        if self.ended or now - self.last_poll < POLL_S:
            return
        self.last_poll = now
        renewing = now - self.last_renewal >= settings.HEARTBEAT_S
        wish = self._persist(lambda: (leases.renew if renewing else leases.wish)(self.run))
        self.last_renewal = now if renewing else self.last_renewal
        if wish.live_params != self.live:
            self.live = wish.live_params
            child.ask(live=self.live)
        if wish.cancel:
            self._cancel(child)
        self._end_when_hung(child)

    def _end_when_hung(self, child: Child) -> None:
        """A recipe speaks every second or so; one that says nothing for long holds the slot for nothing."""
        if time.monotonic() - self.last_word > settings.RUN_SILENT_S:
            log.warning("%s said nothing for %g s; its process is ended", self.run, settings.RUN_SILENT_S)
            child.kill()

    def _cancel(self, child: Child) -> None:
        if self.cancelled_at is None:
            self.cancelled_at = time.monotonic()
            child.ask(cancel=True)
        elif time.monotonic() - self.cancelled_at > settings.RUN_CANCEL_S:
            child.kill()

    def _persist(self, write: Any) -> Any:
        """Do it, and do it again while the database is away; what the child says waits in its socket meanwhile."""
        pause, refusals = 0.2, 0
        while True:
            try:
                return write()
            except (InterfaceError, OperationalError) as error:
                refusals += not _is_away(error)
                if stopping.is_set() or refusals > REFUSALS:
                    raise
                log.warning("The database does not answer (%s); trying again in %.1f s", error, pause)
                connections.close_all()
                time.sleep(pause)
                pause = min(pause * 2, 5)


def _is_away(error: Exception) -> bool:
    """Whether nothing answers (no SQLSTATE, 08: connection, 57P: shut down), rather than a statement being refused."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(("08", "57P"))


def job_of(run: Run) -> Job:
    """Everything the child needs, as files and plain values."""
    return Job(
        recipe=run.recipe, params=run.params, live_params=run.live_params, attempt=run.attempt,
        inputs={field: _input(entry) for field, entry in run.inputs.items()},
        workdir=str(recorder.folder(run)), threads=settings.RUN_THREADS, device=_this_device(run),
        memory_bytes=settings.RUN_MEMORY_BYTES, file_bytes=settings.RUN_FILE_BYTES, cpu_s=settings.RUN_CPU_S,
    )


def _this_device(run: Run) -> str:
    """This host by the name it has in the team's registry."""
    mine = Device.objects.filter(team_id=run.team_id, host=settings.HOST, retired=False)
    return mine.values_list("name", flat=True).first() or settings.HOST


def _input(entry: dict[str, Any]) -> InputFile:
    file = str(blobs.path(entry["sha256"])) if "sha256" in entry else None
    return InputFile(kind=entry["kind"], name=entry["name"], file=file, tier=entry.get("tier", "device"))


def _how(code: int | None) -> str:
    if code is None:
        return "its exit was not seen"
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _begin(**_: Any) -> None:
    threading.Thread(target=_pulse, name="pulse", daemon=True).start()
    if settings.WARM_AT_START:
        forks.warm()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _end(**_: Any) -> None:
    stopping.set()


@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]
def _ended(**_: Any) -> None:
    forks.stop()


def _pulse() -> None:
    """At the start: take over from a dead predecessor, reap. Then say every half minute that this host is here."""
    first = True
    while not stopping.is_set():
        try:
            if first:
                leases.take_back_orphans(worker_name(), _is_alive)
                reap()
            mine = Device.objects.filter(host=settings.HOST, retired=False)
            mine.update(last_seen=timezone.now(), **about_this_host())
            first = False
        except Exception as error:
            log.warning("The pulse of %s did not reach the database: %s", worker_name(), error)
        finally:
            connections.close_all()
        stopping.wait(1.0 if first else PULSE_S)


def _is_alive(pid: int) -> bool:
    """Whether another worker of this host has that number. Our own number may be a dead predecessor's, used again."""
    if pid == os.getpid():
        return False
    try:
        return b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def about_this_host() -> dict[str, Any]:
    """What the registry shows of the machine this worker runs on."""
    return {"os": f"{platform.system()} {platform.release()}"[:120], "cores": os.cpu_count(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")}


