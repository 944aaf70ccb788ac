"""The coordinator's end of the nursery, and of each process that it forks."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from worker.federated.real.setup import Setup
from worker.partitioning.slicing.faults import told
from worker.partitioning.slicing.local import surroundings

PROGRAM = "worker.federated.real.nursery"
START_S, ANSWER_S, END_S = 120.0, 10.0, 5.0
LONGEST = 1 << 16


class Nursery:
    """Ends with `close`, or with this process."""

    def __init__(self, threads: int) -> None:
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", PROGRAM, str(theirs.fileno())], env=surroundings(threads), start_new_session=True,
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._number = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def ask(self, within_s: float, sockets: tuple[socket.socket, ...] = (), **asked: Any) -> dict[str, Any]:
        """OSError where it does not answer. What is late of an earlier question is passed over."""
        self._number, until = self._number + 1, time.monotonic() + within_s
        self._end.settimeout(within_s)
        asking = json.dumps({**asked, "number": self._number}).encode()
        socket.send_fds(self._end, [asking], [each.fileno() for each in sockets])
        while True:
            self._end.settimeout(max(0.001, until - time.monotonic()))
            answer = self._end.recv(LONGEST)
            if not answer:
                raise ConnectionError("The warm process has ended.")
            said: dict[str, Any] = json.loads(answer)
            if said["number"] == self._number:
                return said

    def close(self) -> None:
        self._end.close()
        self._process.kill()
        self._process.wait(END_S)


class Child:
    """One edge server or device. It ends when this end of its socket is closed, however that happens."""

    def __init__(self, nursery: Nursery, setup: Setup) -> None:
        """OSError where it cannot be started."""
        self._nursery = nursery
        self._end, theirs = socket.socketpair()
        with theirs:
            self.pid = int(nursery.ask(START_S, (theirs,), begin=True)["pid"])
        self._end.sendall(setup.as_line())
        self.port = 0

    @property
    def is_running(self) -> bool:
        """Its end of the socket closes with it; until it is ready it says something there."""
        poll = select.poll()
        poll.register(self._end, 0)
        return not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def await_port(self) -> str:
        """Until it is ready; why it is not, in words."""
        self._end.settimeout(START_S)
        try:
            line = self._end.makefile("rb").readline(LONGEST)
            said: dict[str, Any] = json.loads(line) if line else {"sorry": self.ending()}
        except (OSError, ValueError) as error:
            said = {"sorry": told(error, "It did not start in time.")}
        self.port = int(said.get("port", 0))
        return str(said.get("sorry", ""))

    def tell(self, line: bytes) -> None:
        """OSError where it cannot hear any more."""
        self._end.sendall(line)

    def ending(self) -> str:
        """How it ended, in words; empty while it runs."""
        if self.is_running:
            return ""
        try:
            code = self._nursery.ask(ANSWER_S, became=self.pid)["code"]
        except OSError:
            code = None
        if code is None:
            return "Its process ended."
        return f"Its process was killed by {signal.Signals(-code).name}." if code < 0 else f"Its process ended with {code}."

    def kill(self) -> None:
        self._end.close()
        try:
            self._nursery.ask(ANSWER_S, kill=self.pid)
        except OSError:
            pass  # It has no parent any more, and ends by itself as its socket is closed.
