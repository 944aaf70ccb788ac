"""Everybody at every socket: it opens for whom its row allows, and what it does not know it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from apps.accounts.models import User
from tests.apps.addresses import sockets
from tests.apps.cast import Cast
from tests.apps.permissions import MESSAGES, SOCKETS
from tests.apps.test_permissions import PEOPLE, Person, expected, fill
from tests.apps.things import gather_things


@pytest.mark.parametrize("path", sockets())
@pytest.mark.parametrize("person", PEOPLE, ids=[person.name for person in PEOPLE])
def test_a_socket_opens_for_those_whom_its_row_allows(crowd: Cast, path: str, person: Person, tmp_path: Path,
                                                      settings: Any) -> None:
    settings.BLOBS = tmp_path / "blobs"
    row = SOCKETS[path]
    whole = fill(path, row, gather_things(crowd, tmp_path))
    with socket_headers(person, crowd) as headers:
        opened = async_to_sync(knock_at)(whole, headers, None)
    assert opened == (expected(row, "GET", person, is_api=False) == "open")


@pytest.mark.parametrize("message", ["{}", '{"type": "websocket.disconnect"}', '{"type": "knock"}', '{"type": "say"}', "x"])
def test_what_a_socket_does_not_know_it_refuses_and_lives(crowd: Cast, message: str, tmp_path: Path, settings: Any) -> None:
    settings.BLOBS = tmp_path / "blobs"
    path = next(iter(SOCKETS))
    whole = fill(path, SOCKETS[path], gather_things(crowd, tmp_path))
    with socket_headers(next(each for each in PEOPLE if each.name == "alice"), crowd) as headers:
        assert async_to_sync(knock_at)(whole, headers, message)
    assert not MESSAGES, "a socket that hears something needs a test of who may say it"


@contextmanager
def socket_headers(person: Person, crowd: Cast) -> Iterator[list[tuple[bytes, bytes]]]:
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    if person.scope:
        yield [*headers, (b"authorization", f"Bearer {crowd.token(person.scope)}".encode())]
        return
    client = Client()
    if person.name != "anonymous":
        client.force_login(crowd.alice if person.name == "suspended" else getattr(crowd, person.name))
    if person.name == "suspended":
        User.objects.filter(pk=crowd.alice.pk).update(is_active=False)
    cookies = "; ".join(f"{name}={each.value}" for name, each in client.cookies.items())
    yield [*headers, (b"cookie", cookies.encode())]


async def knock_at(path: str, headers: list[tuple[bytes, bytes]], message: str | None) -> bool:
    """Whether the socket opened and, when something was said, answered it with an error and went on living."""
    from edgeportal.asgi import application

    address, _, query = path.partition("?")
    scope = {"type": "websocket", "path": address, "query_string": query.encode(), "headers": headers, "subprotocols": [],
             "extensions": {"websocket.http.response": {}}}
    socket = ApplicationCommunicator(application, scope)
    await socket.send_input({"type": "websocket.connect"})
    opened = (await socket.receive_output(5))["type"] == "websocket.accept"
    if opened and message is not None:
        await socket.send_input({"type": "websocket.receive", "text": message})
        while '"error"' not in (await socket.receive_output(5)).get("text", ""):
            pass
        opened = not await hears_a_close(socket)
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    socket.future.cancel()
    return bool(opened)


async def hears_a_close(socket: ApplicationCommunicator) -> bool:
    while not await socket.receive_nothing(0.2):
        if (await socket.receive_output(1))["type"] == "websocket.close":
            return True
    return False
