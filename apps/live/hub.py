"""One hub per web process: each stream is read once per knock, encoded once, and handed to all its sockets."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from uuid import UUID

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from apps.live.knock import group
from apps.live.reading import Page, page_after

log = logging.getLogger(__name__)
HEARTBEAT_S = 20.0
RECENT = 64
PATIENCE_S = 5.0


class Room:
    """The sockets of one stream in this process. `recent` holds the newest frames, so that nobody reads them twice."""

    def __init__(self, stream_id: UUID, last: int) -> None:
        self.stream_id = stream_id
        self.last = last
        self.sockets = 0
        self.knocked = asyncio.Event()
        self.recent: deque[tuple[int, Page]] = deque(maxlen=RECENT)
        self._grew = asyncio.Event()
        self.task = asyncio.create_task(self._listen())

    async def after(self, position: int) -> Page:
        """The next frame for a socket that has everything up to `position`; waits until there is one."""
        while position >= self.last:
            await self._grew.wait()
        for start, page in self.recent:
            if start == position:
                return page
        read: Page = await database_sync_to_async(page_after)(self.stream_id, position)
        return read

    async def _listen(self) -> None:
        # A lost knock is healed by the slow timer: every read starts from what is already known.
        while True:
            try:
                await asyncio.wait_for(self.knocked.wait(), HEARTBEAT_S)
            except TimeoutError:
                pass
            self.knocked.clear()
            try:
                await self._read()
            except Exception:
                log.exception("Stream %s could not be read; trying again", self.stream_id)
                await asyncio.sleep(1)
                self.knocked.set()

    async def _read(self) -> None:
        while (page := await database_sync_to_async(page_after)(self.stream_id, self.last)).frame:
            self.recent.append((self.last, page))
            self.last = page.last
            self._grew.set()
            self._grew = asyncio.Event()


class Hub:
    """Rooms by stream, and one subscription to the channel layer for all of them. Nobody here waits for Redis."""

    def __init__(self) -> None:
        self.rooms: dict[UUID, Room] = {}
        self.channel = ""
        self._receiver: asyncio.Task[None] | None = None
        self._joining: set[asyncio.Task[None]] = set()

    def enter(self, stream_id: UUID, last: int) -> Room:
        """The room of a stream, opened when this is its first socket."""
        room = self.rooms.get(stream_id)
        if room is None:
            room = self.rooms[stream_id] = Room(stream_id, last)
            self._in_background(self._join(room))
        if self._receiver is None or self._receiver.done():
            self._receiver = asyncio.create_task(self._receive())
        room.sockets += 1
        return room

    def leave(self, room: Room) -> None:
        """Close the room with its last socket."""
        room.sockets -= 1
        if room.sockets == 0 and self.rooms.get(room.stream_id) is room:
            del self.rooms[room.stream_id]
            room.task.cancel()
            self._in_background(self._part(room.stream_id))

    def _in_background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, room: Room) -> None:
        """Hear the room's knocks. Until that works its slow timer stands in; a read after it misses nothing."""
        try:
            if self.channel:
                await asyncio.wait_for(get_channel_layer().group_add(group(room.stream_id), self.channel), PATIENCE_S)
        except Exception as error:
            log.warning("No knocks for stream %s for now: %s", room.stream_id, error)
        room.knocked.set()

    async def _part(self, stream_id: UUID) -> None:
        if stream_id in self.rooms or not self.channel:
            return
        try:
            await asyncio.wait_for(get_channel_layer().group_discard(group(stream_id), self.channel), PATIENCE_S)
        except Exception as error:
            log.warning("Stream %s could not be left: %s", stream_id, error)

    async def _receive(self) -> None:
        """Pass knocks on for ever; with Redis away, begin again with a new channel until it is back."""
        while True:
            try:
                self.channel = await get_channel_layer().new_channel("hub")
                for room in list(self.rooms.values()):
                    await get_channel_layer().group_add(group(room.stream_id), self.channel)
                    room.knocked.set()
                await self._pass_on()
            except Exception as error:
                self.channel = ""
                log.warning("The channel layer is away (%s); joining again", error)
                await asyncio.sleep(1)

    async def _pass_on(self) -> None:
        while True:
            message = await get_channel_layer().receive(self.channel)
            room = self.rooms.get(UUID(hex=message["stream"]))
            if room:
                room.knocked.set()


_hubs: dict[int, Hub] = {}


def hub() -> Hub:
    """This process's hub (one per event loop, so that tests may have several)."""
    key = id(asyncio.get_running_loop())
    if key not in _hubs:
        _hubs[key] = Hub()
    return _hubs[key]
