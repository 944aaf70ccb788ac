"""A pytest plugin, loaded before Django: real PostgreSQL and Redis for this test process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from edgeportal import embedded, places


class Servers:
    """PostgreSQL and Redis of this test process, in a temporary folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ep-"))
        os.environ["EDGEPORTAL_VAR"] = str(self.folder)
        (self.folder / "static").mkdir()
        sockets = places.sockets()
        sockets.mkdir(mode=0o700, parents=True)
        data = self.folder / "postgres"
        command = embedded.postgres_command(data, sockets)
        self.processes = [
            self._start([*command, "-c", "fsync=off"], embedded.unprivileged(data)),
            self._start(embedded.redis_command(sockets, self.folder / "redis"), embedded.child_of_this_process(signal.SIGTERM)),
        ]
        until = time.monotonic() + 180
        while not (embedded.postgres_answers(sockets) and embedded.redis_answers(sockets)):
            assert time.monotonic() < until, (self.folder / "servers.log").read_text()
            time.sleep(0.05)

    def _start(self, command: list[str], preexec: object) -> subprocess.Popen[bytes]:
        with (self.folder / "servers.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=preexec)

    def stop(self) -> None:
        for process, how in zip(self.processes, (signal.SIGINT, signal.SIGTERM), strict=True):
            process.send_signal(how)
        for process in self.processes:
            process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


_servers: list[Servers] = []


# Before Django is set up: its embedded addresses must point at these servers.
_servers.append(Servers())


def running() -> Servers:
    """The servers of this test process: PostgreSQL first, Redis second."""
    return _servers[0]


def pytest_unconfigure(config: pytest.Config) -> None:
    while _servers:
        _servers.pop().stop()
