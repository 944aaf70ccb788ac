"""The hub hears knocks again whatever happened to Redis before, and nobody waits for it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Iterator

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction

from apps.live import hub as hubs
from apps.live import rooms
from apps.live.knock import knock
from apps.live.models import Saying, Stream
from tests import servers
from tests.apps.cast import Cast


@pytest.fixture
def stream(crowd: Cast) -> Stream:
    return Stream.objects.create(team=crowd.team)


@pytest.fixture
def redis_pid() -> Iterator[int]:
    """Redis of this test process; it goes on again whatever the test did."""
    pid = servers.running().processes[1].pid
    yield pid
    os.kill(pid, signal.SIGCONT)


def say(stream: Stream, text: str) -> None:
    with transaction.atomic():
        Stream.objects.get(pk=stream.pk).append([Saying("log", {"message": text})])
    knock(stream.pk)


async def heard(room: rooms.Room, after: int, seconds: float) -> list[int]:
    page = await asyncio.wait_for(room.after(after), seconds)
    return [row["seq"] for row in json.loads(page.frame)["events"]]


def played(scene: Callable[[hubs.Hub], Awaitable[None]]) -> None:
    async def play() -> None:
        hub = hubs.Hub()
        try:
            await scene(hub)
        finally:
            hub.close()

    async_to_sync(play)()


def test_a_knock_is_heard_at_once(stream: Stream) -> None:
    async def scene(hub: hubs.Hub) -> None:
        room = hub.enter(stream.pk, 0)
        await asyncio.sleep(0.5)
        await sync_to_async(say)(stream, "one")
        assert await heard(room, 0, 3) == [1]

    played(scene)


def test_a_row_written_before_the_hub_listens_is_read_too(stream: Stream) -> None:
    async def scene(hub: hubs.Hub) -> None:
        await sync_to_async(say)(stream, "before")
        assert await heard(hub.enter(stream.pk, 0), 0, 3) == [1]

    played(scene)


def test_a_socket_that_came_and_went_while_redis_hung_leaves_no_deaf_hub(stream: Stream, redis_pid: int) -> None:
    async def scene(hub: hubs.Hub) -> None:
        os.kill(redis_pid, signal.SIGSTOP)
        hub.leave(hub.enter(stream.pk, 0))
        await asyncio.sleep(0.5)
        os.kill(redis_pid, signal.SIGCONT)
        await asyncio.sleep(2)
        room = hub.enter(stream.pk, 0)
        await asyncio.sleep(1)
        for number in (1, 2, 3):
            await sync_to_async(say)(stream, "again")
            assert await heard(room, number - 1, 4) == [number]

    played(scene)


def test_entering_waits_for_no_redis(stream: Stream, redis_pid: int) -> None:
    async def scene(hub: hubs.Hub) -> None:
        os.kill(redis_pid, signal.SIGSTOP)
        begun = asyncio.get_running_loop().time()
        hub.enter(stream.pk, 0)
        assert asyncio.get_running_loop().time() - begun < 0.1

    played(scene)


def test_a_room_is_read_once_however_many_listen(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    read = rooms.page_after
    monkeypatch.setattr(rooms, "page_after", lambda stream_id, after: (reads.append(after), read(stream_id, after))[1])

    async def scene(hub: hubs.Hub) -> None:
        doors = [hub.enter(stream.pk, 0) for _ in range(20)]
        await asyncio.sleep(0.5)
        reads.clear()
        await sync_to_async(say)(stream, "one")
        assert await asyncio.gather(*(heard(room, 0, 3) for room in doors)) == [[1]] * 20
        assert len(reads) == 1

    played(scene)
