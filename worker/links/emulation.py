"""A link between two processes of one machine that behaves like a slower one: a delay, a rate, and what may pass at once."""

from __future__ import annotations

import math
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from worker.links import relay
from worker.links.faults import Silent

START_S = 30.0
PACKET_BYTES = 1500


@dataclass(frozen=True)
class Emulated:
    """One direction of a link. `latency_s` is the way there alone; `burst_bytes` pass at once after a while of silence."""

    latency_s: float
    bytes_per_s: float = math.inf
    burst_bytes: float = PACKET_BYTES

    def __post_init__(self) -> None:
        if not (0 <= self.latency_s < math.inf and self.bytes_per_s > 0 and 0 <= self.burst_bytes < math.inf):
            raise ValueError(f"A link has a delay from 0, a rate above 0 and a burst from 0; got {self}.")

    def seconds(self, count: int) -> float:
        """How long a message of so many bytes takes when nothing else passes."""
        return self.latency_s + max(0.0, count - self.burst_bytes) / self.bytes_per_s

    def to(self, address: tuple[str, int], back: Emulated | None = None) -> Relay:
        """The link to a listener on this machine; the way back is the same unless said."""
        return Relay(address, self, back or self)

    def words(self) -> list[str]:
        return [repr(float(each)) for each in (self.latency_s, self.bytes_per_s, self.burst_bytes)]


class Relay:
    """The link at work, in a process of its own so that computing beside it does not disturb it. Connect to `address`.

    It ends with `close`, or with the process that started it, whatever becomes of that one. Setting a connection up costs no
    delay; every byte on it does.
    """

    def __init__(self, target: tuple[str, int], there: Emulated, back: Emulated) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(relay.__file__)), target[0], str(target[1]), *there.words(), *back.words()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.address = ("127.0.0.1", self._port())

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _port(self) -> int:
        out = self._process.stdout
        assert out
        line = out.readline() if select.select([out], [], [], START_S)[0] else b""
        if not line:
            self.close()
            raise Silent(f"The emulated link did not start within {START_S:g} s.")
        return int(line)
