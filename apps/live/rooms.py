"""A room: the sockets of one stream in this process. Each row is read once, encoded once and written to all of them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Protocol
from uuid import UUID

from prometheus_client import Counter

from apps.live.desk import rows_desk
from apps.live.reading import Page, page_after
from apps.live.wire import Wire, text_frame

log = logging.getLogger(__name__)
HEARTBEAT_S = 20.0
REMEMBERED_BYTES = 4_000_000
HANDED_OUT = Counter("edgeportal_messages", "Messages handed to sockets of this process as they were said.", registry=None)


class Listener(Protocol):
    """A socket with a wire that has everything its room has."""

    def line(self) -> Wire: ...

    def fell_behind(self, position: int) -> None: ...


class Room:
    """`last` is the newest row that was read; everybody in `live` has it. Who has less reads on by `after`."""

    def __init__(self, stream_id: UUID, last: int) -> None:
        self.stream_id = stream_id
        self.last = last
        self.sockets = 0
        self.live: dict[Listener, Wire] = {}
        self.knocked = asyncio.Event()
        self._recent: OrderedDict[int, Page] = OrderedDict()
        self._recent_bytes = 0
        self._reading: dict[int, asyncio.Task[Page]] = {}
        self._grew = asyncio.Event()
        self._spoke_at = asyncio.get_running_loop().time()
        self.task = asyncio.create_task(self._listen())

    def join(self, listener: Listener, position: int) -> bool:
        """Live from now on, if `position` is all there is; else read on first."""
        if position != self.last:
            return False
        self.live[listener] = listener.line()
        return True

    async def after(self, position: int) -> Page:
        """The next frame for a socket that has everything up to `position`; waits until there is one."""
        while position >= self.last:
            await self._grew.wait()
        return self._recent.get(position) or await self._read_back(position)

    def beat(self, now: float) -> None:
        """In a silent room, say how far the stream has come: the client knows that it misses nothing."""
        if now - self._spoke_at > HEARTBEAT_S:
            self._hand_out(text_frame(f'{{"type":"head","head":{self.last}}}'), self.last)

    async def _read_back(self, position: int) -> Page:
        # Many that come back at once ask for the same rows: one read answers them all.
        read = self._reading.get(position)
        if read is None:
            read = self._reading[position] = asyncio.create_task(rows_desk.ask(page_after, self.stream_id, position))
            read.add_done_callback(lambda _: self._reading.pop(position, None))
        page = await asyncio.shield(read)
        if not page.frame:
            raise LookupError("the stream's rows are gone")  # Asking again would find no more.
        self._remember(position, page)
        return page

    async def _listen(self) -> None:
        while True:
            await self.knocked.wait()
            self.knocked.clear()
            try:
                await self._read()
            except Exception:
                log.exception("Stream %s could not be read; trying again", self.stream_id)
                await asyncio.sleep(1)
                self.knocked.set()

    async def _read(self) -> None:
        """What a knock announced was committed before it, so one read finds it; only a full page has more behind it."""
        while (page := await rows_desk.ask(page_after, self.stream_id, self.last)).frame:
            start, self.last = self.last, page.last
            self._remember(start, page)
            self._hand_out(page.wire, start)
            self._grew.set()
            self._grew = asyncio.Event()
            if not page.is_full:
                return

    def _hand_out(self, frame: bytes, position: int) -> None:
        """Write to everybody; who cannot take it now has everything up to `position`, and goes on alone from there."""
        behind = [listener for listener, wire in self.live.items() if not wire.write(frame)]
        HANDED_OUT.inc(len(self.live) - len(behind))
        for listener in behind:
            del self.live[listener]
            listener.fell_behind(position)
        self._spoke_at = asyncio.get_running_loop().time()

    def _remember(self, start: int, page: Page) -> None:
        if start in self._recent or not page.frame:
            return
        self._recent[start] = page
        self._recent_bytes += len(page.wire)
        while self._recent_bytes > REMEMBERED_BYTES and len(self._recent) > 1:
            self._recent_bytes -= len(self._recent.popitem(last=False)[1].wire)
