"""Children that stay up: started in order, restarted with back-off when they die, stopped in the reverse order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from edgeportal.embedded import Preexec, child_of_this_process

SHORTEST_PAUSE_S, LONGEST_PAUSE_S, STEADY_AFTER_S = 0.5, 30.0, 30.0


@dataclass
class Child:
    """One process to keep alive. `command` is asked again for every start; `stop_signal` ends it in good order."""

    name: str
    command: Callable[[], list[str]]
    environment: dict[str, str] = field(default_factory=dict)
    stop_signal: int = signal.SIGTERM
    preexec: Preexec | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = SHORTEST_PAUSE_S
    due: float = 0.0

    def start(self, logs: Path) -> None:
        with self._log(logs) as out:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **self.environment}, preexec_fn=self.preexec or child_of_this_process(signal.SIGTERM))
        self.started, self.due = time.monotonic(), 0.0

    def _log(self, logs: Path) -> IO[bytes]:
        path = logs / f"{self.name}.log"
        if path.exists() and path.stat().st_size > 10_000_000:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tend(self, logs: Path, say: Callable[[str], None]) -> None:
        """Restart it when it died, each time a little later, until it has been steady for a while."""
        now = time.monotonic()
        if self.alive:
            if now - self.started > STEADY_AFTER_S:
                self.pause = SHORTEST_PAUSE_S
        elif not self.due:
            code = self.process.returncode if self.process else None
            say(f"{self.name} ended ({code}); starting it again in {self.pause:g} s. Its log: {logs / self.name}.log")
            self.due = now + self.pause
            self.pause = min(self.pause * 2, LONGEST_PAUSE_S)
        elif now >= self.due:
            self._start_again(logs, say)

    def _start_again(self, logs: Path, say: Callable[[str], None]) -> None:
        """A machine that cannot start a process now (no memory, no disk) may be able to later."""
        try:
            self.start(logs)
        except OSError as error:
            say(f"{self.name} could not be started ({error.strerror}); trying again in {self.pause:g} s.")
            self.due = time.monotonic() + self.pause
            self.pause = min(self.pause * 2, LONGEST_PAUSE_S)

    def signal(self) -> None:
        if self.process and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)

    def wait(self, until: float) -> None:
        """Wait for its end until the clock says `until`, then kill its whole session."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.05, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def stop(children: list[Child], until: float) -> None:
    """End these together, before the monotonic clock says `until`."""
    for child in children:
        child.signal()
    for child in children:
        child.wait(until)
