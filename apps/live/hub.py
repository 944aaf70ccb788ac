"""One hub per web process: its rooms by stream, one subscription to the channel layer, and the watch over all sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from uuid import UUID
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from apps.live.desk import door_desk, rows_desk
from apps.live.door import Door
from apps.live.knock import group
from apps.live.reading import heads
from apps.live.rooms import Room
from apps.live.wire import Wire

log = logging.getLogger(__name__)
PATIENCE_S = 5.0
WATCH_S, LOOK_S, HEAL_S = 0.5, 1.0, 5.0


class Hub:
    """Nobody here waits for Redis, and nothing that goes wrong ends a loop."""

    def __init__(self) -> None:
        self.rooms: dict[UUID, Room] = {}
        self.door = Door()
        self.channel = ""
        self._wires: set[Wire] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._joining: set[asyncio.Task[None]] = set()

    def enter(self, stream_id: UUID, last: int) -> Room:
        """The room of a stream, opened when this is its first socket."""
        self._start()
        room = self.rooms.get(stream_id)
        if room is None:
            room = self.rooms[stream_id] = Room(stream_id, last)
            self._in_background(self._join(room))
        room.sockets += 1
        return room

    def leave(self, room: Room) -> None:
        """Close the room with its last socket."""
        room.sockets -= 1
        if room.sockets == 0 and self.rooms.get(room.stream_id) is room:
            del self.rooms[room.stream_id]
            room.task.cancel()
            self._in_background(self._part(room.stream_id))
            if not self.rooms:
                rows_desk.rest()
                door_desk.rest()

    def close(self) -> None:
        """End everything that goes on here, for a loop that ends before its process does."""
        rooms = [room.task for room in self.rooms.values()]
        for task in (*self._loops, *self._joining, *rooms):
            task.cancel()
        self.door.close()
        rows_desk.rest()
        door_desk.rest()

    def watch_over(self, wire: Wire) -> None:
        """Cut this line when its client stops reading; until it is really gone, also after its socket has left."""
        self._wires.add(wire)

    def _start(self) -> None:
        if self._loops and not any(loop.done() for loop in self._loops):
            return
        for loop in self._loops:
            loop.cancel()
        self._loops = [asyncio.create_task(self._receive()), asyncio.create_task(_every(WATCH_S, self._watch)),
                       asyncio.create_task(_every(LOOK_S, self.door.look)), asyncio.create_task(_every(HEAL_S, self._heal))]

    async def _watch(self) -> None:
        now = asyncio.get_running_loop().time()
        self._wires -= {wire for wire in self._wires if not wire.watch(now)}
        for room in self.rooms.values():
            room.beat(now)

    async def _heal(self) -> None:
        """A knock may be lost: one look at all heads finds who has more."""
        if not self.rooms:
            return
        known = await rows_desk.ask(heads, list(self.rooms))
        for room in self.rooms.values():
            if known.get(room.stream_id, 0) > room.last:
                room.knocked.set()

    def _in_background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, room: Room) -> None:
        """Hear the room's knocks. Until that works the look at the heads stands in; a read after it misses nothing."""
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
        while _goes_on():
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
        while _goes_on():
            message = await get_channel_layer().receive(self.channel)
            room = self.rooms.get(UUID(hex=message["stream"]))
            if room:
                room.knocked.set()


def _goes_on() -> bool:
    """Redis' client may swallow the cancellation of this task while it connects; the task still knows of it."""
    task = asyncio.current_task()
    return task is not None and not task.cancelling()


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do it again and again, whatever goes wrong once."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception:
            log.exception("The hub goes on after an error")


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """This process's hub (one per event loop, so that tests may have several)."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def standing() -> tuple[int, int]:
    """How many sockets are open in this process, and on how many streams."""
    rooms = [room for one in list(_hubs.values()) for room in list(one.rooms.values())]
    return sum(room.sockets for room in rooms), len(rooms)
