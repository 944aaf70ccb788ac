"""The agent's end of the process that measures: start it, hear it, ask it to stop, kill it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from worker.agent.measuring import Task

# What a run may know of its surroundings: nothing of the agent's folder or token.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
PIECE = 1 << 20


def surroundings(threads: int) -> dict[str, str]:
    """The environment of a process that computes for a run."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class Child:
    """One process of one attempt."""

    def __init__(self, task: Task, file: Path) -> None:
        file.write_text(task.model_dump_json())
        self._end, theirs = socket.socketpair()
        self._rest = b""
        self.gone = False
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.agent.measuring", str(theirs.fileno()), str(file)], env=surroundings(task.threads),
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True)

    def lines(self, timeout: float) -> list[dict[str, Any]]:
        """What it said within so many seconds; sets `gone` when it has ended."""
        if not select.select([self._end], [], [], timeout)[0]:
            return []
        try:
            read = self._end.recv(PIECE)
        except ConnectionResetError:
            read = b""
        if not read:
            self.gone = True
            return []
        *whole, self._rest = (self._rest + read).split(b"\n")
        return [said for said in map(_read, whole) if said]

    def ask(self, **line: Any) -> None:
        with contextlib.suppress(OSError):
            self._end.sendall(json.dumps(line).encode() + b"\n")

    def kill(self) -> str:
        """End it if it has not; how it ended, in words."""
        if self.gone:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self._process.kill()
        code = self._process.wait()
        self._end.close()
        return how(code)


def how(code: int) -> str:
    """How a process ended, in words."""
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None  # A line that a killed process did not finish.
    return said if isinstance(said, dict) else None
