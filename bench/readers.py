"""Many sockets in one process, as lean as Python allows: a frame is parsed once, every further socket compares its bytes.

`python -m bench.readers` reads one JSON line (port, path, cookies, sockets), opens them all, says "open", reads until a line
comes (a number: until each socket has that one too, or `PATIENCE_S`), and leaves a JSON file: what each socket got, in order,
and when.
"""

from __future__ import annotations

import array
import asyncio
import json
import os
import struct
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

AT_ONCE = 20
PATIENCE_S = 60
EVENTS, PING, CLOSE = 0x81, 0x89, 0x88
# Frames known by their bytes: first and last number in them. (0, 0) for one that holds no events.
known: dict[bytes, tuple[int, int]] = {}


class Tally:
    """What all sockets of this process got."""

    def __init__(self) -> None:
        self.seqs = array.array("q")
        self.times = array.array("d")
        self.out_of_order = self.lost = 0
        self.is_over = False


class Reader(asyncio.Protocol):
    """One socket. `at` is the last number it has; anything but the next one is counted as out of order."""

    def __init__(self, tally: Tally, request: bytes) -> None:
        self.tally, self.request = tally, request
        self.at = 0
        self.rest = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        transport.write(self.request)  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        self.tally.lost += not self.tally.is_over
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed before it was open"))

    def data_received(self, data: bytes) -> None:
        found = known.get(data)
        if found and not self.rest and self.opened.done():
            self.take(*found)
            return
        self.rest += data
        if not self.opened.done():
            head, found_end, self.rest = self.rest.partition(b"\r\n\r\n")
            if not found_end:
                self.rest = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(head[:200].decode()))
                return
            self.opened.set_result(None)
        while (size := frame_size(self.rest)) and len(self.rest) >= size:
            frame, self.rest = self.rest[:size], self.rest[size:]
            self.hear(frame)

    def hear(self, frame: bytes) -> None:
        if frame[0] == PING:
            # A client masks what it says; with a mask of zeros the payload stays as it is.
            self.transport.write(bytes((0x8A, 0x80 | (len(frame) - 2), 0, 0, 0, 0)) + frame[2:])
        elif frame[0] == EVENTS:
            self.take(*numbers(frame))

    def take(self, first: int, last: int) -> None:
        if not last:
            return
        tally = self.tally
        if first != self.at + 1:
            tally.out_of_order += 1
        now = time.monotonic()
        for seq in range(first, last + 1):
            tally.seqs.append(seq)
            tally.times.append(now)
        self.at = last


def frame_size(data: bytes) -> int:
    """The whole length of the frame that begins here; 0 when its header is not all there."""
    if len(data) < 2:
        return 0
    short = data[1]
    if short < 126:
        return 2 + short
    wide, layout = (4, "!H") if short == 126 else (10, "!Q")
    return wide + int(struct.unpack_from(layout, data, 2)[0]) if len(data) >= wide else 0


def numbers(frame: bytes) -> tuple[int, int]:
    if frame not in known:
        header = 2 + (2 if frame[1] == 126 else 8 if frame[1] == 127 else 0)
        said = json.loads(frame[header:])
        events = said.get("events") or [{"seq": 0}]
        known[frame] = (events[0]["seq"], events[-1]["seq"])
    return known[frame]


def request(port: int, path: str, cookie: str) -> bytes:
    return (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nCookie: sessionid={cookie}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()


async def main() -> None:
    asked = json.loads(sys.stdin.readline())
    tally, readers = Tally(), []
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)

    async def come(number: int) -> None:
        cookie = asked["cookies"][number % len(asked["cookies"])]
        async with gate:
            _, reader = await loop.create_connection(lambda: Reader(tally, request(asked["port"], asked["path"], cookie)),
                                                     "127.0.0.1", asked["port"])
            await reader.opened
            readers.append(reader)

    await asyncio.gather(*(come(number) for number in range(asked["sockets"])))
    print("open", flush=True)
    begun = os.times()
    await all_have(json.loads(await loop.run_in_executor(None, sys.stdin.readline)), readers)
    tally.is_over = True
    spent = os.times()
    said = {"out_of_order": tally.out_of_order, "lost_connections": tally.lost, "at": [reader.at for reader in readers],
            "cpu_s": spent.user + spent.system - begun.user - begun.system, "seqs": tally.seqs.tolist(),
            "times": tally.times.tolist()}
    Path(asked["out"]).write_text(json.dumps(said))
    print("written", flush=True)


async def all_have(last: int, readers: list[Reader]) -> None:
    """Return when every socket got that number, or has waited long enough for it."""
    end = time.monotonic() + PATIENCE_S
    while any(reader.at < last for reader in readers) and time.monotonic() < end:
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    uvloop.run(main())
