"""One run under supervision: its lease held, its child followed, what it says written, what the page asks passed on."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from apps.catalog import blobs
from apps.devices.models import Device
from apps.experiments import board_files, hostings, leases, recorder, standing
from apps.experiments.models import Run
from apps.live.about import saying
from worker import events
from worker.forkserver import Child, ForkServer
from worker.job import InputFile, Job
from worker.orders import Order
from worker.tasks import leading, relaying
from worker.tasks.trail import Trail

log = logging.getLogger(__name__)
BATCH_S, POLL_S, PROGRESS_S = 0.25, 1.0, 1.0
REFUSALS = 5
MAKES_FILES = (events.FileMade, events.VariantMade)
forks = ForkServer(idle_s=settings.FORKSERVER_IDLE_S)
stopping = threading.Event()


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
        self.order: Order | None = None
        self.ended = self.finished = False
        self.trail = Trail(run)

    def supervise(self) -> None:
        """Run one attempt to whatever end it has."""
        with saying(run=str(self.run.pk), attempt=str(self.run.attempt)):
            self._supervise()

    def _supervise(self) -> None:
        try:
            with self._lease_kept():
                job = self._persist(self._prepared)
            child = forks.spawn(job)
            self.last_word = time.monotonic()
        except blobs.Away:
            return leases.release(self.run)  # This worker stops; until then we wait for the store.
        except blobs.Unreadable as gone:
            log.error("%s needs the file %s, which is gone or damaged", self.run, gone)
            return leases.give_up(self.run, f"{_whose(self.run, str(gone))} is no longer in the store, or its bytes are damaged.")
        except Exception:
            log.exception("%s could not be started", self.run)
            return leases.take_back(self.run, "its process could not be started; the worker's log tells why")
        try:
            self._follow(child)
        except leases.Fenced:
            log.warning("%s was taken over; this attempt stops", self.run)
        except (InterfaceError, OperationalError, blobs.Away):
            log.exception("The database or the store refused what %s said", self.run)
            leases.take_back(self.run, "the database or the store refused what it said; the worker's log tells why")
        except Exception:
            # The same words would be refused the next time.
            log.exception("What %s said could not be kept", self.run)
            leases.give_up(self.run, "What the run said could not be kept; the worker's log tells why.")
        finally:
            child.kill()
            child.close()
            self.trail.end(finished=self.finished)
            connections.close_all()

    def _prepared(self) -> Job:
        """Everything the attempt needs, brought to this host."""
        self.trail.follow()
        return job_of(self.run)

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
                self.trail.end(finished=False)  # Before anybody else takes the run.
                return leases.release(self.run)
        self._write()
        if self.order and not self.ended:
            self._go_on_with(self.order)
        elif not self.ended:
            leases.take_back(self.run, f"its process ended without a word ({_how(child.exit)})")

    def _hear(self, said: dict[str, Any]) -> None:
        if "checkpoint" in said:
            self._persist(lambda: leases.progressed(self.run))
            self.trail.leave()
        if "order" in said:
            self.order = Order.model_validate(said["order"])
        if "event" in said:
            event = events.read(said["event"])
            if isinstance(event, events.Progress):
                self.progress = event
            else:
                self.pending.append(event)

    def _go_on_with(self, order: Order) -> None:
        """Prepared: its files are kept for the board, whose agent takes it from here, or for those that this computer leads."""
        with self._lease_kept():
            files = self._persist(lambda: board_files.keep_order(self.run, order.files))
        manifest = {"recipe": self.run.recipe, "params": self.run.params, "facts": order.facts, "files": files}
        if self.run.board_id is None:
            return self._lead(order, manifest)
        self._persist(lambda: leases.hand_over(self.run, manifest))
        self.finished = True  # Nobody goes on from its checkpoints.

    def _lead(self, order: Order, manifest: dict[str, Any]) -> None:
        """The other parts stand on boards: wait for them, then measure here."""
        self.order = None
        with self._lease_kept():
            found = leading.hosts(self.run, manifest, stopping, self._persist)
        if isinstance(found, events.Failed | events.Cancelled):
            self.pending.append(found)
            return self._write()
        if found is None:
            return leases.release(self.run)
        with relaying.reached(self.run, found) as hosts, self._asked_again(manifest):
            self._measure(job_of(self.run).model_copy(update={"part": "measure", "order": order, "hosts": hosts}))

    @contextlib.contextmanager
    def _asked_again(self, manifest: dict[str, Any]) -> Iterator[None]:
        """Beside a run that goes on without a board that is not there: it is asked once it is."""
        done = threading.Event()
        asker = threading.Thread(target=leading.ask_again, args=(self.run, manifest, done), name="members", daemon=True)
        if standing.is_star(self.run.recipe):
            asker.start()
        try:
            yield
        finally:
            done.set()
            if asker.ident:
                asker.join()

    def _measure(self, job: Job) -> None:
        child = forks.spawn(job)
        self.last_word = time.monotonic()
        try:
            self._follow(child)
        finally:
            child.kill()
            child.close()

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
        with self._lease_kept() if any(isinstance(event, MAKES_FILES) for event in batch) else contextlib.nullcontext():
            self._persist(lambda: recorder.record(self.run, batch))
        self.ended = self.ended or any(isinstance(event, events.TERMINAL) for event in batch)
        self.finished = self.finished or any(isinstance(event, events.Finished) for event in batch)
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
        """Do it, and again while the database or the store is away; what the child says waits in its socket meanwhile."""
        pause, refusals = 0.2, 0
        while True:
            try:
                return write()
            except (InterfaceError, OperationalError, blobs.Away) as error:
                refusals += not _is_away(error)
                if stopping.is_set() or refusals > REFUSALS:
                    raise
                log.warning("The database or the store does not answer (%r); trying again in %.1f s", error, pause)
                connections.close_all()
                time.sleep(pause)
                pause = min(pause * 2, 5)

    @contextlib.contextmanager
    def _lease_kept(self) -> Iterator[None]:
        """Prolong the lease beside work that may take long: large files on their way from or to the store."""
        done = threading.Event()
        keeper = threading.Thread(target=self._keep_lease, args=(done,), name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def _keep_lease(self, done: threading.Event) -> None:
        while not done.wait(settings.HEARTBEAT_S):
            # Whoever lost the run, or the database, is told so where it is written for the run.
            with contextlib.suppress(leases.Fenced, InterfaceError, OperationalError):
                leases.renew(self.run)
        connections.close_all()


def _is_away(error: Exception) -> bool:
    """Whether nothing answers (no SQLSTATE, 08: connection, 57P: shut down), rather than a statement being refused."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(("08", "57P"))


def job_of(run: Run) -> Job:
    """Everything the child needs, as files and plain values."""
    return Job(
        recipe=run.recipe, params=run.params, live_params=run.live_params, attempt=run.attempt,
        inputs={field: _input(entry) for field, entry in run.inputs.items()},
        workdir=str(recorder.folder(run)), threads=settings.RUN_THREADS, device=str(run.board or _this_device(run)),
        part="prepare" if run.board_id or hostings.places(run) else "run",
        memory_bytes=settings.RUN_MEMORY_BYTES, file_bytes=settings.RUN_FILE_BYTES, cpu_s=settings.RUN_CPU_S,
    )


def _this_device(run: Run) -> str:
    """This host by the name it has in the team's registry."""
    mine = Device.objects.filter(team_id=run.team_id, host=settings.HOST, retired=False)
    return mine.values_list("name", flat=True).first() or settings.HOST


def _input(entry: dict[str, Any]) -> InputFile:
    file = str(blobs.local(entry["sha256"])) if "sha256" in entry else None
    return InputFile(kind=entry["kind"], name=entry["name"], file=file, tier=entry.get("tier", "device"),
                     precision=entry.get("precision", "fp32"), variant=entry.get("variant", ""), id=entry.get("id", ""))


def _whose(run: Run, file: str) -> str:
    """The input that the file belongs to, in words; object storage names files by more than their hash."""
    entries = [entry for entry in run.inputs.values() if "sha256" in entry and entry["sha256"] in file]
    names = [f"The file of {entry['kind']} {entry['name']}" for entry in entries]
    return next(iter(names), "A file of the run")


def _how(code: int | None) -> str:
    if code is None:
        return "its exit was not seen"
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"
