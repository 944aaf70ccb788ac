"""Frames over the two ends of a pair of sockets: the driver's and the serving process's, on one machine."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any, cast

from worker.links import frames
from worker.links.faults import LinkFault, Torn
from worker.links.frames import Frame

# A frame has one image or one answer, and facts; the samples of a profile are facts too.
MOST_BYTES = 1 << 28
BUFFER = 1 << 20


class Pair:
    """One end. Several threads may send; one receives."""

    def __init__(self, end: socket.socket) -> None:
        self._end, self._turn = end, threading.Lock()
        self._source = end.makefile("rb", buffering=BUFFER)

    def send(self, frame: Frame) -> None:
        """Torn where nobody is there any more."""
        packed = frames.packed(frame)
        with self._turn:
            try:
                for batch in packed.batches():
                    self._end.sendall(b"".join(batch))
            except OSError as error:
                raise Torn(f"The other end is gone: {error.strerror or error}.") from None

    def receive(self) -> Frame:
        """A LinkFault where the other end is gone, or sends what is no frame."""
        try:
            return frames.read(cast(Any, self._source), MOST_BYTES)
        except (OSError, ValueError) as error:
            raise Torn(f"The other end is gone: {error}.") from None

    def close(self) -> None:
        """From any thread; whoever waits on it hears of it."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._end.close()


__all__ = ["Frame", "LinkFault", "Pair"]
