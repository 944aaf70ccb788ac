"""The process that serves a slice on a board: limited as a measurement is, and gone with its agent.

`python -m worker.agent.slice_process FD WHAT`: over the socket FD comes a line with what it may use, then what is told to the
host of a slice, or to a device that learns; what it answers goes back the same way. It has no token but the run's, and nothing of
the agent's folder.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from worker.agent.child import how, surroundings
from worker.agent.measuring import limit
from worker.orders import DEVICE

if TYPE_CHECKING:
    from worker.agent.running import Means

LONGEST_LINE = 1 << 16
SLICE = "slice"
# All that a claim may ask for, and the program that serves it.
PROGRAMS = {SLICE: "worker.partitioning.slicing.host", DEVICE: "worker.federated.real.on_board"}
LACKS = "This board lacks the package {package}: install what training needs, and start the agent again."
# It writes nothing.
FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class Allowed:
    """What it may use of the board."""

    cpus: tuple[int, ...]
    memory_bytes: int | None
    file_bytes: int = FILE_BYTES


class SliceProcess:
    """One process of one slice. `serves` once it listens, at `port`; `sorry` when it cannot."""

    def __init__(self, setup: dict[str, Any], means: Means, memory_bytes: int | None, what: str = SLICE) -> None:
        self._end, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.agent.slice_process", str(theirs.fileno()), what], env=surroundings(means.threads),
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True)
        allowed = Allowed(means.cpus, memory_bytes)
        self._end.sendall(json.dumps(asdict(allowed)).encode() + b"\n" + json.dumps(setup).encode() + b"\n")
        self._said = b""
        self.port, self.sorry = 0, ""

    @property
    def serves(self) -> bool:
        return self.port > 0

    def ended(self) -> str:
        """How it ended, in words; nothing while it runs. Reads what it says."""
        while select.select([self._end], [], [], 0)[0]:
            try:
                read = self._end.recv(LONGEST_LINE)
            except ConnectionResetError:
                read = b""
            if not read:
                break
            self._hear(read)
        code = self._process.poll()
        return "" if code is None else how(code)

    def kill(self) -> None:
        self._end.close()
        self._process.kill()
        self._process.wait()

    def _hear(self, read: bytes) -> None:
        *lines, self._said = (self._said + read).split(b"\n")
        for line in lines:
            said = json.loads(line)
            self.port = self.port or int(said.get("port", 0))
            self.sorry = self.sorry or str(said.get("sorry", ""))


def begin(control: socket.socket, what: str = SLICE) -> None:
    """Limits first, then what is served, which reads its own line."""
    line = b""
    while not line.endswith(b"\n"):  # Byte by byte: what follows is not ours to read.
        piece = control.recv(1)
        if not piece or len(line) > LONGEST_LINE:
            return
        line += piece
    asked = json.loads(line)
    limit(Allowed(tuple(asked["cpus"]), asked["memory_bytes"], asked["file_bytes"]))
    try:
        served = import_module(PROGRAMS[what])
    except ImportError as lacking:
        return control.sendall(json.dumps({"sorry": LACKS.format(package=lacking.name)}).encode() + b"\n")
    served.begin(control)


if __name__ == "__main__":
    from worker.agent import slice_process
    from worker.child import die_with_parent

    die_with_parent()
    slice_process.begin(socket.socket(fileno=int(sys.argv[1])), *sys.argv[2:3])
