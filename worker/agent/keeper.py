"""Keeps an agent alive: starts it, starts it again when it dies or has become another version, and goes back when that fails."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time

from worker.agent import updating
from worker.agent.state import Folder
from worker.agent.wording import Over

log = logging.getLogger(__name__)
# What the agent's exit status tells: it has become another version; it cannot go on until a person does something.
ANEW, OVER = 75, 78
SHORTEST_S, LONGEST_S, STEADY_S, STOP_S = 1.0, 60.0, 60.0, 20.0


class Keeper:
    """One agent, kept until a signal comes or it says that it is over."""

    def __init__(self, folder: Folder, words: list[str]) -> None:
        self._folder, self._words = folder, words
        self._stopping = threading.Event()
        self._agent: subprocess.Popen[bytes] | None = None

    def keep(self) -> int:
        """The exit status to end with."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        (self._folder.path / "pid").write_text(str(os.getpid()))
        pause = SHORTEST_S
        while True:
            begun = time.monotonic()
            code = self._life()
            if code in (0, OVER) or self._stopping.is_set():
                return code
            if code == ANEW:
                continue
            if self._fell_back():
                continue
            pause = SHORTEST_S if time.monotonic() - begun > STEADY_S else min(pause * 2, LONGEST_S)
            log.warning("the agent ended (%d); it is started again in %g s", code, pause)
            if self._stopping.wait(pause):
                return 0

    def _life(self) -> int:
        """From start to end; a new version that is not heard in time is ended."""
        environment = dict(os.environ)
        if self._folder.current.exists():
            environment["PYTHONPATH"] = str(self._folder.current)
        command = [sys.executable, "-m", "worker.agent", "work", "--folder", str(self._folder.path), *self._words]
        begun, self._agent = time.monotonic(), subprocess.Popen(command, env=environment, start_new_session=True)
        while True:
            try:
                return self._agent.wait(1.0 if updating.on_probation(self._folder) else None)
            except subprocess.TimeoutExpired:
                late = time.monotonic() - begun > updating.PROBATION_S
                if late and updating.on_probation(self._folder) and not self._stopping.is_set():
                    self._agent.kill()
                    self._agent.wait()
                    return 1

    def _fell_back(self) -> bool:
        if not updating.on_probation(self._folder):
            return False
        log.error("the new version did not reach the portal within %g s; the one before it is used again", updating.PROBATION_S)
        updating.fall_back(self._folder)
        return True

    def _on_signal(self, number: int, _frame: object) -> None:
        self._stopping.set()
        if self._agent:
            self._agent.send_signal(signal.SIGTERM)


def keep(folder: Folder, words: list[str]) -> int:
    if folder.read("identity.json") is None:
        raise Over(f"This board has not joined a portal (no identity in {folder.path}); use the line that the portal shows.")
    folder.locked().close()
    return Keeper(folder, words).keep()
