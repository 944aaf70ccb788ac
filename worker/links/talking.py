"""Frames over a connection, each within a time of its own."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from worker.links import frames
from worker.links.channel import Channel, Late
from worker.links.faults import LinkFault, Silent, TooLarge, Torn
from worker.links.frames import Frame

HERE = "it was closed on this side"


class Wire:
    """A connection that speaks frames. One thread may send while another receives.

    `patience_s` is the whole time that sending a frame may take, and that receiving one may take from its first byte on; how long
    to wait for the first byte is `within_s`, the same unless said. After any fault but a Silent with nothing under way, the
    connection is closed: nobody knows where the next frame begins. `bytes_sent` and `bytes_received` are those of frames, heads
    and greeting included, without what TLS and TCP add.
    """

    def __init__(self, connected: socket.socket | Channel, most_bytes: int, patience_s: float, *, peer: str = "") -> None:
        self._channel = connected if isinstance(connected, Channel) else Channel(connected)
        self.most_bytes, self.patience_s, self.peer = most_bytes, patience_s, peer
        self.bytes_sent = self.bytes_received = 0
        # Of everything on this connection, while it is greeted.
        self.ends_at = math.inf
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        self._over = ""

    def send(self, frame: Frame, within_s: float | None = None) -> None:
        """All of it is in the system's hands when this returns."""
        packed, gone = frames.packed(frame), 0
        content = packed.size - frames.HEAD_BYTES - frames.TAIL_BYTES
        if content > self.most_bytes:
            raise TooLarge(f"A frame {frame.kind!r} has {content:,} bytes; {self.most_bytes:,} are allowed here.")
        given = self.patience_s if within_s is None else within_s
        until = min(time.monotonic() + given, self.ends_at)
        with self._one_at_a_time(self._sending, until), self._given_up_on_fault():
            try:
                for rest in packed.batches():
                    while rest:
                        _in_time(until if gone else math.inf)
                        sent = self._channel.send(rest, until)
                        self.bytes_sent, gone = self.bytes_sent + sent, gone + sent
                        rest = _after(rest, sent)
            except Late:
                raise Silent(f"Of a frame {frame.kind!r} of {packed.size:,} bytes {packed.size - gone:,} were not taken"
                             f"{self._by()} within {given:g} s.") from None

    def receive(self, within_s: float | None = None) -> Frame:
        """The next frame; Silent where none has begun within so many seconds: the connection stays as it was then."""
        given = self.patience_s if within_s is None else within_s
        coming = _Coming(self, min(time.monotonic() + given, self.ends_at))
        with self._one_at_a_time(self._receiving, coming.until):
            try:
                with self._given_up_on_fault():
                    return frames.read(coming, self.most_bytes)
            except Late:
                raise Silent(f"Nothing was said{self._by()} within {given:g} s.") from None

    def close(self) -> None:
        """From any thread; whoever waits here hears of it."""
        self._over = self._over or HERE
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _by(self) -> str:
        return f" by {self.peer}" if self.peer else ""

    @contextmanager
    def _one_at_a_time(self, lock: threading.Lock, until: float) -> Iterator[None]:
        if not lock.acquire(timeout=max(0.0, min(until - time.monotonic(), threading.TIMEOUT_MAX))):
            raise Silent("Another thread used this connection all the time.")
        try:
            if self._over:
                raise Torn(f"This connection is no more: {self._over}.")
            yield
        finally:
            lock.release()

    @contextmanager
    def _given_up_on_fault(self) -> Iterator[None]:
        try:
            yield
        except Late:
            raise
        except BaseException as fault:
            if self._over == HERE and isinstance(fault, LinkFault):
                raise Torn(f"This connection is no more: {self._over}.") from None
            self._over = self._over or str(fault).rstrip(".") or type(fault).__name__
            self._channel.close()
            raise


class _Coming:
    """The bytes of one frame as they come. Late where not even its first byte comes, Silent where it then stops."""

    def __init__(self, wire: Wire, until: float) -> None:
        self.until, self._wire, self._got = until, wire, 0

    def readinto(self, into: memoryview, /) -> int:
        try:
            _in_time(self.until if self._got else math.inf)
            got = self._wire._channel.receive_into(into, self.until)
        except Late:
            if not self._got:
                raise
            raise Silent(f"A frame stopped after {self._got:,} bytes{self._wire._by()}: the rest did not come within "
                         f"{self._wire.patience_s:g} s.") from None
        if not self._got:
            self.until = min(time.monotonic() + self._wire.patience_s, self._wire.ends_at)
        self._got += got
        self._wire.bytes_received += got
        return got


def _in_time(until: float) -> None:
    """For a peer that always takes or has one more byte: nobody waits for it, so that no wait can be too long."""
    if time.monotonic() > until:
        raise Late


def _after(parts: list[memoryview], count: int) -> list[memoryview]:
    """What is left of them when so many bytes are gone."""
    gone = 0
    while gone < len(parts) and count >= parts[gone].nbytes:
        count -= parts[gone].nbytes
        gone += 1
    rest = parts[gone:]
    return [rest[0][count:], *rest[1:]] if count else rest
