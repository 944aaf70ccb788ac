"""All parts of a plan on this computer: a process each, and between two of them an emulated link."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import worker
from worker.links.emulation import Emulated, Relay
from worker.partitioning.slicing.faults import GaveUp, told
from worker.partitioning.slicing.setup import HERE, Engine, Setup, Stop
from worker.planning.parted import LinkAsked

HOST = "worker.partitioning.slicing.host"
START_S, END_S = 120.0, 5.0
# Answers go back beside the plan, which ends where they are made.
AT_ONCE = Emulated(0.0)
# What a part may know of its surroundings.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True)
class Part:
    """`file`: of its slice; None where it only holds the input. `link`: what lies between it and the part behind it."""

    name: str
    file: Path | None
    link: LinkAsked | None = None


class Process:
    """One slice host. It ends when this end of its socket is closed, however that happens."""

    def __init__(self, setup: Setup) -> None:
        self._end, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", HOST, str(theirs.fileno())], env=surroundings(setup.threads), start_new_session=True,
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._end.sendall(setup.as_line())
        self.port = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def await_port(self) -> str:
        """Until it listens; why it does not, in words."""
        self._end.settimeout(START_S)
        try:
            line = self._end.makefile("rb").readline(1 << 16)
            said: dict[str, Any] = json.loads(line) if line else {"sorry": self.ending()}
        except (OSError, ValueError) as error:
            said = {"sorry": told(error, "It did not start in time.")}
        self.port = int(said.get("port", 0))
        return str(said.get("sorry", ""))

    def ending(self) -> str:
        """How it ended, in words; empty while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        code = self._process.poll()
        if code is None:
            return ""
        return f"Its process was killed by {signal.Signals(-code).name}." if code < 0 else f"Its process ended with {code}."

    def kill(self) -> None:
        self._end.close()
        self._process.kill()
        self._process.wait(END_S)


class Local:
    """Processes of the parts, started when somebody asks for the route, and again when they are gone."""

    def __init__(self, parts: Sequence[Part], *, run: str, engine: Engine, threads: int, most_bytes: int) -> None:
        self._parts, self._engine, self._threads, self._most_bytes, self._run = parts, engine, threads, most_bytes, run
        self._token = secrets.token_hex(16)
        self._processes: dict[int, Process] = {}
        self._relays: dict[int, Relay] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def names(self) -> Sequence[str]:
        return [part.name for part in self._parts]

    @property
    def pids(self) -> list[int]:
        return [each.pid for _, each in sorted(self._processes.items())]

    @property
    def relay_pids(self) -> list[int]:
        return [each.pid for _, each in sorted(self._relays.items())]

    def route(self) -> Sequence[Stop]:
        begun = [number for number in range(1, len(self._parts) + 1) if not self._runs(number)]
        for number in begun:  # All at once: each loads its libraries for a while.
            self._forget(number)
            self._start(number)
        for number in begun:
            if sorry := self._processes[number].await_port():
                raise GaveUp(f"Part {number}, {self.names[number - 1]}, could not be started: {sorry}")
        return [self._stop(number) for number in range(1, len(self._parts) + 1)]

    def became(self, part: int, why: str) -> str:
        """A process that does not answer is ended; the next route starts it anew."""
        process = self._processes.get(part)
        ended = process.ending() if process else ""
        self._forget(part)
        return ended or why

    def close(self) -> None:
        for number in list(self._processes):
            self._forget(number)

    def _start(self, number: int) -> None:
        try:
            self._processes[number] = Process(self._setup(number))
        except OSError as error:
            raise GaveUp(f"Part {number}, {self.names[number - 1]}, could not be started: {error.strerror}.") from error

    def _runs(self, number: int) -> bool:
        process = self._processes.get(number)
        return process is not None and process.is_running

    def _setup(self, number: int) -> Setup:
        part = self._parts[number - 1]
        return Setup(part=number, name=part.name, file=str(part.file.resolve()) if part.file else "", engine=self._engine,
                     token=self._token, run=self._run, most_bytes=self._most_bytes, threads=self._threads, host=HERE)

    def _stop(self, number: int) -> Stop:
        link = self._parts[number - 2].link if number > 1 else None
        port = self._processes[number].port
        if link is not None:
            if number not in self._relays:
                there = Emulated(link.latency_ms / 1e3, link.bandwidth_mbps * 1e6 / 8, burst_bytes=0)
                self._relays[number] = self._relay(there, port)
            port = self._relays[number].address[1]
        return Stop((HERE,), port, self._run, self._token)

    def _relay(self, there: Emulated, port: int) -> Relay:
        try:
            return there.to((HERE, port), back=AT_ONCE)
        except OSError as error:  # A fault of links is one too.
            raise GaveUp(f"An emulated link could not be started: {error.strerror or error}") from error

    def _forget(self, number: int) -> None:
        if relay := self._relays.pop(number, None):
            relay.close()
        if process := self._processes.pop(number, None):
            process.kill()


def surroundings(threads: int) -> dict[str, str]:
    """The workshop found from anywhere, and libraries that open no more threads than were asked for."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = [str(Path(worker.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    counts = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    return kept | counts | {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}
