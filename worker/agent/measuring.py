"""The process of one run on a board: limits itself, runs the measuring half of the recipe, says its events through one socket.

`python -m worker.agent.measuring FD TASK`. It has no token and no network of its own to speak of; it dies with the agent.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from worker import menu
from worker.child import Wire, die_with_parent
from worker.context import Context, HostInput
from worker.events import Event, Failed
from worker.executor import execute
from worker.orders import Order
from worker.reasons import reason

# Of all processes of the board this one goes first when memory is short: then the agent can still say so.
FIRST_TO_GO = "900"


class Task(BaseModel):
    """What the agent hands to the process, as a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    recipe: str
    params: dict[str, Any]
    order: Order
    workdir: str
    attempt: int
    device: str
    threads: int = 1
    cpus: tuple[int, ...] = ()
    memory_bytes: int | None = None
    file_bytes: int
    live: dict[str, Any] = {}
    # Where the parts of the run stand that other boards keep.
    hosts: tuple[HostInput, ...] = ()


class Limits(Protocol):
    """What a process may use of the board."""

    @property
    def cpus(self) -> tuple[int, ...]: ...
    @property
    def memory_bytes(self) -> int | None: ...
    @property
    def file_bytes(self) -> int: ...


def main(task: Task, end: socket.socket) -> None:
    """Run the task to its end; what goes wrong outside the recipe is a Failed event too."""
    wire = Wire(end, task.live)
    try:
        limit(task)
        for event in _events(task, wire):
            wire.say(event=event.model_dump(mode="json"))
    except Exception as error:
        failed = Failed(reason=reason(error), trace=traceback.format_exc(limit=20))
        wire.say(event=failed.model_dump(mode="json"))


def _events(task: Task, wire: Wire) -> Iterator[Event]:
    recipe = menu.find(task.recipe)
    if recipe is None or recipe.board is None:
        raise ValueError(f"This board's agent does not know how to run {task.recipe}; update the agent on the device's page.")
    half = recipe.board.measure
    params = recipe.params.model_validate(task.params)
    context = Context(workdir=Path(task.workdir), seed=params.seed, threads=task.threads, device=task.device,
                      saved=lambda name, step: wire.say(checkpoint=[name, step]), changes=lambda: wire.live, hosts=task.hosts)
    os.chdir(context.workdir)
    on_board = replace(recipe, run=lambda asked, given: half(asked, task.order, given))
    return execute(on_board, params, context, attempt=task.attempt, cancelled=wire.cancelled.is_set)


def limit(task: Limits) -> None:
    """Cap memory and the size of files, stay on the cores that were named, be the first to go when memory is short."""
    if task.cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(task.cpus))
    _cap(resource.RLIMIT_AS, task.memory_bytes)
    _cap(resource.RLIMIT_FSIZE, task.file_bytes)
    _cap(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)


def _cap(what: int, most: int | None) -> None:
    """Never above what this process was given itself."""
    hard = resource.getrlimit(what)[1]
    if most is not None:
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def begin(words: list[str]) -> None:
    """FD and TASK of the command line."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # The agent decides, and kills.
    main(Task.model_validate_json(Path(words[1]).read_bytes()), socket.socket(fileno=int(words[0])))


if __name__ == "__main__":
    # By its own name: what it raises counts as the workshop's words then.
    from worker.agent import measuring

    measuring.begin(sys.argv[1:])
