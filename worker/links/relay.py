"""A link on one machine, as a program of its own: bytes pass at a rate, and each is delivered only after the delay.

Rate and delay are pipelined, as in Linux's netem and token bucket: while the last bytes of one message travel, the first ones of
the next leave. Python's own library alone, and no module beside it: `python -I -S relay.py HOST PORT LATENCY RATE BURST LATENCY
RATE BURST` listens, prints its port, passes every connection on to HOST and PORT, and ends when its input does.
"""

from __future__ import annotations

import math
import select
import socket
import sys
import time
from collections import deque
from contextlib import suppress

READ = 1 << 16
# What waits for the bucket, at least, before no more is read: the sender's system keeps the rest, as it would. It is enough that
# a link which had to wait for a processor has something to carry meanwhile.
WAITING_BYTES, WAITING_S = 1 << 16, 0.25
# Bytes under way, or not taken by who is to receive them, per direction of a connection.
MOST_HELD = 1 << 26
# A message is delivered in pieces of what the link carries in this time.
PIECE_S, LEAST_PIECE = 0.0005, 512


class Line:
    """One direction of the link; all connections share it."""

    def __init__(self, latency_s: float, bytes_per_s: float, burst_bytes: float) -> None:
        self.latency_s, self._rate, self._burst_s = latency_s, bytes_per_s, burst_bytes / bytes_per_s
        self._free_at = -math.inf
        self.piece = int(min(max(bytes_per_s * PIECE_S, LEAST_PIECE), READ))
        self._waiting_s = max(WAITING_BYTES / bytes_per_s, WAITING_S)

    def arrives(self, now: float, count: int) -> float:
        """When so many bytes that came now are at the other end."""
        self._free_at = max(self._free_at, now - self._burst_s) + count / self._rate
        return max(now, self._free_at) + self.latency_s

    def takes_more_at(self) -> float:
        return self._free_at - self._waiting_s


class Way:
    """One direction of one connection."""

    def __init__(self, source: socket.socket, sink: socket.socket, line: Line) -> None:
        self.source, self.sink, self.line = source, sink, line
        self.under_way: deque[tuple[float, memoryview]] = deque()
        self.held, self.ended, self.done, self.blocked = 0, False, False, False

    def reads(self, now: float) -> bool:
        return not self.ended and self.held < MOST_HELD and self.line.takes_more_at() <= now

    def take(self, now: float) -> None:
        try:
            came = self.source.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            came = b""
        for at in range(0, len(came), self.line.piece):
            piece = memoryview(came)[at:at + self.line.piece]
            self.under_way.append((self.line.arrives(now, len(piece)), piece))
        self.held += len(came)
        if not came:
            self.ended = True
            self.under_way.append((self.line.arrives(now, 0), memoryview(b"")))

    def deliver(self, now: float) -> None:
        """What is due. OSError where nobody takes it any more."""
        self.blocked = False
        while self.under_way and self.under_way[0][0] <= now:
            due, piece = self.under_way[0]
            if not piece:
                self.done = True
                self.under_way.clear()
                with suppress(OSError):
                    self.sink.shutdown(socket.SHUT_WR)
                return
            try:
                sent = self.sink.send(piece)
            except BlockingIOError:
                self.blocked = True
                return
            self.held -= sent
            if sent == len(piece):
                self.under_way.popleft()
            else:
                self.under_way[0] = (due, piece[sent:])

    def wakes_at(self, now: float) -> float:
        """When there is something to do here that no socket tells of: a piece is due, or the link takes more again."""
        due = self.under_way[0][0] if self.under_way and not self.blocked else math.inf
        more = self.line.takes_more_at()
        return min(due, more) if more > now and not self.ended and self.held < MOST_HELD else due


class Relay:
    """Passes connections on, until `life` says something or ends."""

    def __init__(self, target: tuple[str, int], there: Line, back: Line, life: int) -> None:
        self._target, self._there, self._back, self._life = target, there, back, life
        self._family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        self._door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._door.setblocking(False)
        self.port: int = self._door.getsockname()[1]
        self._pairs: list[tuple[Way, Way]] = []

    def run(self) -> None:
        while True:
            now = time.monotonic()
            self._deliver(now)
            ways = [way for pair in self._pairs for way in pair]
            readers = {way.source: way for way in ways if way.reads(now)}
            wakes = min((way.wakes_at(now) for way in ways), default=math.inf)
            wait = None if wakes == math.inf else max(0.0, wakes - time.monotonic())
            watched: list[int | socket.socket] = [self._life, self._door, *readers]
            ready = select.select(watched, [way.sink for way in ways if way.blocked], [], wait)[0]
            if self._life in ready:
                return
            now = time.monotonic()
            for source, way in readers.items():
                if source in ready:
                    way.take(now)
            if self._door in ready:
                self._welcome()

    def _deliver(self, now: float) -> None:
        kept = []
        for pair in self._pairs:
            try:
                for way in pair:
                    way.deliver(now)
                over = all(way.done for way in pair)
            except OSError:
                over = True
            if over:
                pair[0].source.close()
                pair[0].sink.close()
            else:
                kept.append(pair)
        self._pairs = kept

    def _welcome(self) -> None:
        try:
            near, _ = self._door.accept()
        except OSError:
            return
        far = socket.socket(self._family)
        for each in (near, far):
            each.setblocking(False)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        far.connect_ex(self._target)
        self._pairs.append((Way(near, far, self._there), Way(far, near, self._back)))


def main() -> None:
    host, port, *numbers = sys.argv[1:]
    there, back = ([float(each) for each in numbers[at:at + 3]] for at in (0, 3))
    relay = Relay((host, int(port)), Line(*there), Line(*back), sys.stdin.fileno())
    print(relay.port, flush=True)
    relay.run()


if __name__ == "__main__":
    main()
