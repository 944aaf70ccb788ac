"""What a client may send a socket that it should not: each is answered or closed with its own code, and the portal lives on."""

from __future__ import annotations

import json
import time

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidState, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.kill.test_sockets_survive import open_socket
from tests.portal import Portal

pytestmark = pytest.mark.kill


@pytest.fixture
def stream(portal: Portal) -> str:
    return portal.stream()


def closed_with(socket: ClientConnection, seconds: float = 60) -> int:
    """The code it is closed with, however much it says before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.recv(timeout=seconds)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except TimeoutError:
            break
    return 0


def error_from(socket: ClientConnection) -> str:
    """The code of the next error it says."""
    for _ in range(50):
        frame = json.loads(socket.recv(timeout=60))
        if frame["type"] == "error":
            return str(frame["code"])
    raise AssertionError("it said no error")


DEEP = "[" * 20_000 + "]" * 20_000


@pytest.mark.parametrize("message", [
    '{"type": "subscribe"}', '{"type": "websocket.disconnect"}', '{"type": "knock"}', '{"type": "chat_message"}', "not json",
    "", DEEP, b"\x00\x01\xff", '{"after": -1}'])
def test_what_it_does_not_understand_it_says_and_goes_on(portal: Portal, stream: str, message: str | bytes) -> None:
    with open_socket(portal, stream) as socket:
        socket.send(message)
        assert error_from(socket) == "not_understood"
        socket.send("again")
        assert error_from(socket) == "not_understood"


@pytest.mark.parametrize("size", [65_537, 1_000_000])
def test_a_message_over_64_kb_closes_it_with_1009(portal: Portal, stream: str, size: int) -> None:
    with open_socket(portal, stream) as socket:
        socket.send("x" * size)
        assert closed_with(socket) == 1009


def test_text_that_is_no_utf_8_closes_it_with_1007(portal: Portal, stream: str) -> None:
    with open_socket(portal, stream) as socket:
        socket.protocol.send_text(b"\xff\xfe")
        socket.socket.sendall(b"".join(socket.protocol.data_to_send()))
        assert closed_with(socket) == 1007


def test_a_message_in_pieces_without_end_closes_it_with_1009(portal: Portal, stream: str) -> None:
    with open_socket(portal, stream) as socket:
        socket.protocol.send_text(b"x", fin=False)
        try:
            for _ in range(200):
                socket.protocol.send_continuation(b"x" * 1000, fin=False)
                socket.socket.sendall(b"".join(socket.protocol.data_to_send()))
        except (OSError, ConnectionClosed, InvalidState):  # closed while this still talks
            pass
        assert closed_with(socket) in (1009, 1006)


def test_one_that_talks_without_end_is_closed_with_1008_and_costs_no_memory(portal: Portal, stream: str) -> None:
    before = psutil.Process(portal.web().pid).memory_info().rss
    for _ in range(5):
        with open_socket(portal, stream) as socket:
            try:
                for _ in range(10_000):
                    socket.send("talk")
            except ConnectionClosed:
                pass
            # Still talking, it may hear the reset of the connection before the reason.
            assert closed_with(socket) in (1008, 1006)
    assert psutil.Process(portal.web().pid).memory_info().rss - before < 30e6
    assert portal.http.get("/").status_code == 200


def test_one_that_listens_and_talks_without_end_hears_why_it_is_closed(portal: Portal, stream: str) -> None:
    with open_socket(portal, stream) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(10_000):
                socket.send("talk")
                error_from(socket)
        assert closed.value.rcvd and closed.value.rcvd.code == 1008


def test_a_page_that_names_no_origin_opens_no_socket(portal: Portal, stream: str) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in portal.http.cookies.items())
    with pytest.raises(InvalidStatus) as answer:
        connect(f"ws://127.0.0.1:{portal.port}/ws/streams/{stream}/", additional_headers={"Cookie": cookies}, open_timeout=60)
    assert answer.value.response.status_code == 403


@pytest.mark.parametrize("query", ["token={key}", "sessionid={key}", "access_token={key}"])
def test_a_secret_in_the_address_opens_nothing(portal: Portal, stream: str, query: str) -> None:
    key = dict(portal.http.cookies)["sessionid"]
    with pytest.raises(InvalidStatus) as answer:
        connect(f"ws://127.0.0.1:{portal.port}/ws/streams/{stream}/?{query.format(key=key)}", origin=portal.address,
                open_timeout=60)
    assert answer.value.response.status_code == 404
