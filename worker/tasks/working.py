"""Runs and the desk: a message wakes a worker, the worker claims a row, supervises its child, and records what it says."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

import django

django.setup()

from celery import current_app, shared_task, signals  # noqa: E402  Django's settings come first
from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from kombu import Queue  # noqa: E402
from kombu.exceptions import ChannelError  # noqa: E402

from apps.catalog import checking  # noqa: E402
from apps.devices import silence  # noqa: E402
from apps.experiments import leases  # noqa: E402
from apps.home import pulses  # noqa: E402
from worker.tasks import deriving, describing, hosting, inspecting, planning, rehearsing  # noqa: E402
from worker.tasks.supervisor import Supervisor, forks, stopping  # noqa: E402

log = logging.getLogger(__name__)
PULSE_S = 30.0


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
        inspecting.tend()
        describing.tend()
        deriving.tend()
        rehearsing.tend()
        planning.tend()
        for queue in leases.unpublished():
            if not _messages_in(queue):
                current_app.send_task("worker.tasks.work", queue=queue, retry=False, expires=settings.LEASE_S)
        silence.alert()
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


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _begin(**_: Any) -> None:
    threading.Thread(target=_pulse, name="pulse", daemon=True).start()
    if settings.WARM_AT_START:
        forks.warm()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _end(**_: Any) -> None:
    stopping.set()
    inspecting.stopping.set()


@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]
def _ended(**_: Any) -> None:
    forks.stop()
    inspecting.forks.stop()


def _pulse() -> None:
    """At the start: take over from a dead predecessor, reap. Then say every half minute that this host is here."""
    first = True
    while not stopping.is_set():
        try:
            if first:
                leases.take_back_orphans(worker_name(), _is_alive)
                checking.sweep_orphans()
                reap()
            hosting.tell()
            pulses.beat(worker_name())
            if not first:  # At the very start all programs of the host start, which is no time to measure it.
                hosting.measure_when_due()
            first = False
        except Exception as error:
            log.warning("The pulse of %s did not get through: %s", worker_name(), error)
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
