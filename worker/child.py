"""The process of one run: limits itself, runs the recipe, and says its events as JSON lines through one socket."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from worker import menu
from worker.context import Context
from worker.events import Failed
from worker.executor import execute, prepare
from worker.job import Job
from worker.params import Params
from worker.reasons import reason
from worker.recipe import Recipe

PR_SET_PDEATHSIG = 1


def die_with_parent(how: int = signal.SIGKILL) -> None:
    """Ask the kernel to signal this process when its parent dies, however that happens (Linux; elsewhere a no-op)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)


def _leave() -> None:
    """The supervisor is gone: nobody may write for this run any more."""
    os._exit(3)


class Wire:
    """Both directions of the run's socket: lines out, and what the page asks for, in."""

    def __init__(self, end: socket.socket, live: dict[str, Any], on_loss: Callable[[], object] = _leave) -> None:
        self._end = end
        self._on_loss = on_loss
        self._lock = threading.Lock()
        self.cancelled = threading.Event()
        self.live = live  # Before the thread starts: what the page changed since may already wait in the socket.
        threading.Thread(target=self._listen, name="wire", daemon=True).start()

    def say(self, **line: Any) -> None:
        with self._lock:
            self._end.sendall(json.dumps(line).encode() + b"\n")

    def _listen(self) -> None:
        with self._end.makefile("rb") as lines:
            for line in lines:
                asked = json.loads(line)
                self.live = asked.get("live", self.live)
                if asked.get("cancel"):
                    self.cancelled.set()
        self._on_loss()


class Limits(Protocol):
    """What a process may use."""

    @property
    def memory_bytes(self) -> int: ...
    @property
    def file_bytes(self) -> int: ...
    @property
    def cpu_s(self) -> int: ...


def begin(request: bytes, end: socket.socket) -> None:
    """What the fork server calls in the new process."""
    main(Job.model_validate_json(request), end)


def main(job: Job, end: socket.socket) -> None:
    """Run the job to its end; what goes wrong outside the recipe is a Failed event too."""
    wire = Wire(end, job.live_params)
    try:
        limit(job)
        _run(job, wire)
    except Exception as error:
        failed = Failed(reason=reason(error), trace=traceback.format_exc(limit=20))
        wire.say(event=failed.model_dump(mode="json"))


def _run(job: Job, wire: Wire) -> None:
    import torch

    torch.set_num_threads(job.threads)
    recipe = menu.get(job.recipe)
    params = recipe.params.model_validate(job.params)
    context = Context(
        workdir=Path(job.workdir), inputs=job.resolved(), seed=params.seed, threads=job.threads, device=job.device,
        saved=lambda name, step: wire.say(checkpoint=[name, step]), changes=lambda: wire.live, hosts=job.hosts,
    )
    os.chdir(context.workdir)
    if job.part == "prepare":
        return _prepare(recipe, params, context, wire)
    if job.part == "measure":
        recipe = _half(recipe, job)
    for event in execute(recipe, params, context, attempt=job.attempt, cancelled=wire.cancelled.is_set):
        wire.say(event=event.model_dump(mode="json"))


def _half(recipe: Recipe, job: Job) -> Recipe:
    """What a board would do, on this computer, which leads the boards that keep the other parts."""
    assert recipe.board and job.order
    measure, order = recipe.board.measure, job.order
    return replace(recipe, run=lambda asked, given: measure(asked, order, given))


def _prepare(recipe: Recipe, params: Params, context: Context, wire: Wire) -> None:
    """Say the order for a board, in place of an end."""
    events = prepare(recipe, params, context, cancelled=wire.cancelled.is_set)
    while True:
        try:
            wire.say(event=next(events).model_dump(mode="json"))
        except StopIteration as end:
            if end.value is not None:
                wire.say(order=end.value.model_dump(mode="json"))
            return


def limit(job: Limits) -> None:
    """Cap memory, CPU seconds and file size. Address space is left alone where CUDA needs to reserve it."""
    import torch

    if not torch.cuda.is_available():
        resource.setrlimit(resource.RLIMIT_AS, (job.memory_bytes, job.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (job.cpu_s, job.cpu_s + 10))
    resource.setrlimit(resource.RLIMIT_FSIZE, (job.file_bytes, job.file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
