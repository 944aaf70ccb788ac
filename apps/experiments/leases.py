"""The job row: claim, renew, give back, take back. Every step is one conditional update, by the database's clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Concat, Now
from django.utils import timezone

from apps.devices.models import Device
from apps.experiments.models import HELD, Run, Status
from apps.live.knock import knock
from apps.live.models import Saying, Stream
from worker.events import Cancelled, Failed, Finished

log = logging.getLogger(__name__)
ENDS = {Finished: Status.FINISHED, Failed: Status.FAILED, Cancelled: Status.CANCELLED}


class Fenced(Exception):
    """This holder lost the run: its lease ran out and somebody else may have taken it. Stop; write nothing more."""


class Wish(NamedTuple):
    """What the page asks of a running run."""

    cancel: bool
    live_params: dict[str, Any]


def _lease() -> Any:
    return Now() + Value(timedelta(seconds=settings.LEASE_S))


def say_status(run: Run, **more: Any) -> None:
    """Append the run's state to its stream and knock when this transaction is in."""
    run.stream.append([Saying("status", {**_status(run), **more})])
    transaction.on_commit(lambda: knock(run.stream_id))


def say_statuses(runs: Sequence[Run]) -> None:
    """The same for many runs at once, in a fixed number of statements."""
    Stream.append_to_each({run.stream_id: Saying("status", _status(run)) for run in runs})
    for run in runs:
        transaction.on_commit(lambda stream=run.stream_id: knock(stream))  # type: ignore[misc]


def _status(run: Run) -> dict[str, Any]:
    return {"status": run.status, "attempt": run.attempt, "worker": run.worker}


@transaction.atomic
def claim(queues: Sequence[str], worker: str, pid: int | None = None) -> Run | None:
    """Take the run that waits longest on one of these queues: sets lease, attempt and a new fencing token."""
    waiting = Run.objects.filter(~_drained(), status=Status.QUEUED, queue__in=queues).order_by("queued_at", "number")
    run: Run | None = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    if run is None:
        return None
    Run.objects.filter(pk=run.pk).update(
        status=Status.RUNNING, token=F("token") + 1, attempt=F("attempt") + 1, worker=worker,
        worker_pid=pid, lease_until=_lease(), heartbeat=Now(), started_at=Coalesce(F("started_at"), Now()),
    )
    run.refresh_from_db()
    say_status(run)
    return run


def is_drained(run: Run) -> bool:
    """Whether it waits only because somebody drains the computer that it is to be measured on."""
    return run.queue.startswith("bench.") and Run.objects.filter(_drained(), pk=run.pk).exists()


def _drained() -> Exists:
    """Whether the computer that a run is to be measured on takes nothing new: of its team, or as one that all share."""
    hosts = Device.objects.filter(Q(team=OuterRef("team")) | Q(shared=True), draining=True).exclude(host="")
    return Exists(hosts.annotate(bench=Concat(Value("bench."), "host")).filter(bench=OuterRef("queue")))


def renew(run: Run) -> Wish:
    """Prolong the lease; Fenced when this token no longer holds the run."""
    mine = Run.objects.filter(pk=run.pk, token=run.token, status__in=HELD)
    if not mine.update(lease_until=_lease(), heartbeat=Now()):
        raise Fenced(str(run))
    return wish(run)


def wish(run: Run) -> Wish:
    """What the page wants of the run now; Fenced when this token no longer holds it."""
    found = Run.objects.filter(pk=run.pk, token=run.token, status__in=HELD).values_list("status", "live_params").first()
    if found is None:
        raise Fenced(str(run))
    return Wish(found[0] == Status.CANCELLING, found[1])


def progressed(run: Run) -> None:
    """A checkpoint was made: the attempts before it no longer count."""
    Run.objects.filter(pk=run.pk, token=run.token, status__in=HELD).exclude(stalls=0).update(stalls=0)


@transaction.atomic
def release(run: Run, reason: str = "the worker was stopped; another continues from the last checkpoint") -> None:
    """Give the run back because its holder stops; the attempt does not count."""
    held = _held(run)
    if held is None:
        return
    if held.status == Status.CANCELLING:
        return end(held, Cancelled())
    held.attempt -= 1
    _requeue(held, reason)


@transaction.atomic
def hand_over(run: Run, order: dict[str, Any]) -> None:
    """The run is prepared: it waits for its board now, and the attempt that prepared it does not count."""
    held = _held(run)
    if held is None:
        raise Fenced(str(run))
    if held.status == Status.CANCELLING:
        return end(held, Cancelled())
    board = held.board
    if board is None:
        return end(held, Failed(reason="The board that it is for was removed meanwhile."))
    if board.host:
        # A worker of that host would only prepare it again, and again.
        return end(held, Failed(reason=f"A worker measures on {board} now, no agent: launch it again."))
    held.order, held.queue, held.stages, held.done, held.total, held.stage = order, board.queue, {}, 0, 0, ""
    held.attempt, held.stalls = held.attempt - 1, 0
    held.save(update_fields=["order", "queue", "stages", "done", "total", "stage"])
    _requeue(held, f"prepared; it waits for {board}")


def board_worker(board: Any) -> str:
    """How the holder of a run on a board is called."""
    return f"board {board}"[:120]


def contact_lost(run: Run) -> str:
    return f"contact with {run.worker} was lost; the run waits for it"


@transaction.atomic
def take_back(run: Run, reason: str, *, only: Q | None = None) -> None:
    """The attempt died: queue the run again, or end it after too many attempts without a new checkpoint."""
    held = _held(run, only or Q())
    if held is None:
        return
    if held.status == Status.CANCELLING:
        return end(held, Cancelled())
    if held.is_with_board:
        # Silence is no failure of the run: it waits for its board, however often that goes away.
        return _requeue(held, contact_lost(held))
    held.stalls += 1
    if held.stalls >= settings.ATTEMPTS_WITHOUT_PROGRESS:
        return end(held, Failed(reason=f"Given up after {held.stalls} attempts without a new checkpoint: {reason}."))
    _requeue(held, reason)


def take_back_expired() -> list[Run]:
    """Take back every run whose lease ran out; returns them."""
    gone = Q(lease_until__lt=Now())
    expired = list(Run.objects.filter(gone, status__in=HELD).only("pk", "token", "worker", "status", "board_lease"))
    for run in expired:
        # The holder may have renewed in between: the condition is asked again under the lock.
        take_back(run, f"worker {run.worker} was silent for longer than its lease of {settings.LEASE_S:g} s", only=gone)
    return expired


def take_back_orphans(worker: str, is_alive: Callable[[int], bool]) -> list[Run]:
    """Take back what dead predecessors of this worker held; it need not wait for their leases."""
    held = Run.objects.filter(status__in=HELD, worker=worker, worker_pid__isnull=False)
    orphans = [run for run in held.only("pk", "token", "worker_pid") if not is_alive(run.worker_pid or 0)]
    for run in orphans:
        take_back(run, f"worker {worker} died")
    return orphans


def unpublished() -> list[str]:
    """Queues on which a run waits that no worker was woken for lately; they count as published now."""
    old = timezone.now() - timedelta(seconds=settings.REAPER_S)
    # No worker serves the queue of a board: its agent asks by itself.
    stale = Run.objects.filter(Q(published_at=None) | Q(published_at__lt=old), status=Status.QUEUED,
                               order__isnull=True)
    queues = sorted(set(stale.values_list("queue", flat=True)))
    stale.update(published_at=Now())
    return queues


@transaction.atomic
def give_up(run: Run, reason: str) -> None:
    """End the run for a reason that would stop every further attempt as well."""
    held = _held(run)
    if held is not None:
        end(held, Failed(reason=reason))


def _held(run: Run, only: Q | None = None) -> Run | None:
    same = Run.objects.filter(only or Q(), pk=run.pk, token=run.token, status__in=HELD)
    return same.select_for_update(of=("self",)).first()


def _requeue(run: Run, reason: str) -> None:
    run.status, run.lease_until, run.worker, run.worker_pid = Status.QUEUED, None, "", None
    run.queued_at, run.published_at = timezone.now(), None
    run.token += 1
    run.save(update_fields=["status", "lease_until", "worker", "worker_pid", "queued_at", "published_at", "token",
                            "attempt", "stalls"])
    log.warning("%s goes back to its queue: %s", run, reason)
    say_status(run, reason=reason)


def end(run: Run, event: Finished | Failed | Cancelled, *, said: bool = False) -> None:
    """Close a run that is locked here: its status, its last event (unless `said` already), and the token moves on."""
    run.status, run.finished_at, run.lease_until = ENDS[type(event)], timezone.now(), None
    if isinstance(event, Failed):
        run.reason, run.trace = event.reason, event.trace
    if isinstance(event, Finished):
        run.summary = event.summary
    run.token += 1
    run.save(update_fields=["status", "finished_at", "lease_until", "reason", "trace", "summary", "token", "stalls"])
    if not said:
        run.stream.append([Saying(event.type, event.model_dump(mode="json", exclude={"type"}))])
    say_status(run, reason=run.reason)
