"""However a socket ends, nothing of it stays: no room, no guest at the door, no task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.test import Client

from apps.live.hub import Hub, hub
from apps.live.models import Saying, Stream
from apps.live.sockets import StreamSocket
from tests.apps.cast import Cast


@pytest.fixture
def stream(crowd: Cast) -> Stream:
    return Stream.begin(crowd.team, [Saying("log", {"message": "one"})])[0]


@pytest.fixture
def cookies(crowd: Cast) -> dict[str, str]:
    client = Client()
    client.force_login(crowd.victor)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


class Line:
    """A server's side of one socket; `is_dead`: whatever is sent raises, as a server's does when the client has gone."""

    def __init__(self, stream: Stream, cookies: dict[str, str], after: int = 0) -> None:
        self.scope = {"type": "websocket", "cookies": cookies, "url_route": {"kwargs": {"stream_id": stream.pk}},
                      "query_string": f"after={after}".encode(), "extensions": {}}
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.is_dead = False
        self.task = asyncio.create_task(StreamSocket.as_asgi()(self.scope, self.heard.get, self.send))
        self.heard.put_nowait({"type": "websocket.connect"})

    async def send(self, message: dict[str, Any]) -> None:
        if self.is_dead:
            raise OSError("the client is gone")
        self.sent.append(message)

    async def opened(self) -> None:
        await until(lambda: any(message["type"] == "websocket.send" for message in self.sent))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


def played(scene: Callable[[], Awaitable[None]]) -> None:
    async def play() -> None:
        try:
            await scene()
        finally:
            hub().close()

    async_to_sync(play)()


def is_empty(one: Hub) -> bool:
    return not one.rooms and not one.door._guests and not one.door._due and not one.door._waiting


def test_a_socket_whose_client_goes_while_it_is_answered_leaves_nothing(stream: Stream, cookies: dict[str, str]) -> None:
    async def scene() -> None:
        line = Line(stream, cookies)
        await line.opened()
        assert not is_empty(hub())
        line.is_dead = True
        line.heard.put_nowait({"type": "websocket.receive", "text": "hello"})
        await asyncio.wait([line.task], timeout=60)
        assert isinstance(line.task.exception(), OSError)
        assert is_empty(hub())

    played(scene)


def test_a_client_that_goes_before_it_is_let_in_leaves_nothing(stream: Stream, cookies: dict[str, str]) -> None:
    async def scene() -> None:
        line = Line(stream, cookies)
        line.is_dead = True
        await asyncio.wait([line.task], timeout=60)
        assert isinstance(line.task.exception(), OSError) and is_empty(hub())

    played(scene)


def test_a_thousand_that_come_and_go_leave_nothing(stream: Stream, cookies: dict[str, str]) -> None:
    async def scene() -> None:
        for _ in range(10):
            lines = [Line(stream, cookies) for _ in range(100)]
            await asyncio.gather(*(line.opened() for line in lines))
            for line in lines:
                line.heard.put_nowait({"type": "websocket.disconnect", "code": 1001})
            await asyncio.gather(*(line.task for line in lines))
        assert is_empty(hub()) and not hub()._wires
        # The hub's own four loops, the last goodbye to the channel layer, this test, and nothing a socket began.
        await until(lambda: not [task for task in asyncio.all_tasks() if "StreamSocket" in repr(task.get_coro())])

    played(scene)


def test_a_stream_whose_rows_are_gone_is_closed_not_asked_for_again_and_again(
        stream: Stream, cookies: dict[str, str]) -> None:
    async def scene() -> None:
        await sync_to_async(lambda: stream.events.all().delete())()
        line = Line(stream, cookies)
        await until(lambda: {"type": "websocket.close", "code": 1011} in
                    [{name: each[name] for name in ("type", "code") if name in each} for each in line.sent])
        line.heard.put_nowait({"type": "websocket.disconnect", "code": 1011})
        await line.task
        assert is_empty(hub())

    played(scene)


def test_a_client_that_takes_nothing_is_closed_with_4408_where_the_server_gives_no_wire(
        stream: Stream, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Under uvicorn its bytes are watched instead: tests/kill/test_deaf_readers.py."""
    monkeypatch.setattr("apps.live.sockets.SEND_TIMEOUT_S", 0.2)

    async def scene() -> None:
        line = Line(stream, cookies)
        said: list[dict[str, Any]] = []

        async def deaf(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                await asyncio.sleep(3600)
            said.append(message)

        line.send = deaf  # type: ignore[method-assign]
        line.task.cancel()
        line.task = asyncio.create_task(StreamSocket.as_asgi()(line.scope, line.heard.get, deaf))
        await until(lambda: any(message.get("code") == 4408 for message in said))
        line.heard.put_nowait({"type": "websocket.disconnect", "code": 4408})
        await line.task
        assert is_empty(hub())

    played(scene)
