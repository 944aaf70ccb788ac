"""One hub per web process: each stream is read once per knock, encoded once, and handed to all its sockets."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from uuid import UUID

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from apps.live.knock import group
from apps.live.reading import Page, page_after

log = logging.getLogger(__name__)
HEARTBEAT_S = 20.0
RECENT = 64


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
        return await sync_to_async(page_after)(self.stream_id, position)

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
        while (page := await sync_to_async(page_after)(self.stream_id, self.last)).frame:
            self.recent.append((self.last, page))
            self.last = page.last
            self._grew.set()
            self._grew = asyncio.Event()


class Hub:
    """Rooms by stream, and one subscription to the channel layer for all of them."""

    def __init__(self) -> None:
        self.rooms: dict[UUID, Room] = {}
        self.channel = ""
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def enter(self, stream_id: UUID, last: int) -> Room:
        """The room of a stream, opened when this is its first socket. Subscribes before it reads, so nothing falls between."""
        async with self._lock:
            room = self.rooms.get(stream_id)
            if room is None:
                await self._subscribe(stream_id)
                room = self.rooms[stream_id] = Room(stream_id, last)
                room.knocked.set()
            room.sockets += 1
            return room

    async def leave(self, room: Room) -> None:
        async with self._lock:
            room.sockets -= 1
            if room.sockets or self.rooms.get(room.stream_id) is not room:
                return
            del self.rooms[room.stream_id]
            room.task.cancel()
            await self._quietly(get_channel_layer().group_discard(group(room.stream_id), self.channel))

    async def _subscribe(self, stream_id: UUID) -> None:
        try:
            await asyncio.wait_for(self._join(stream_id), 5)
        except Exception as error:
            # Redis may be away: the room still reads on its slow timer, and joins again when the layer is back.
            log.warning("No knocks for stream %s for now: %s", stream_id, error)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._receive())

    async def _join(self, stream_id: UUID) -> None:
        layer = get_channel_layer()
        if not self.channel:
            self.channel = await layer.new_channel("hub")
        await layer.group_add(group(stream_id), self.channel)

    async def _receive(self) -> None:
        while True:
            try:
                if not self.channel:
                    await self._rejoin()
                message = await get_channel_layer().receive(self.channel)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("The channel layer is away (%s); joining again", error)
                await asyncio.sleep(1)
                await self._quietly(self._rejoin())
                continue
            room = self.rooms.get(UUID(hex=message["stream"]))
            if room:
                room.knocked.set()

    async def _rejoin(self) -> None:
        for room in list(self.rooms.values()):
            await self._join(room.stream_id)
            room.knocked.set()

    async def _quietly(self, work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except Exception as error:
            log.warning("Channel layer: %s", error)


_hubs: dict[int, Hub] = {}


def hub() -> Hub:
    """This process's hub (one per event loop, so that tests may have several)."""
    key = id(asyncio.get_running_loop())
    if key not in _hubs:
        _hubs[key] = Hub()
    return _hubs[key]
