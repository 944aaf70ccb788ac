"""kill -9 of the web process while 20 sockets listen: each comes back with `?after=` and misses and doubles nothing."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.portal import Portal, until

pytestmark = pytest.mark.kill
# When both have said that it is closed, how long a client waits for the end of the line, of which nothing more is asked.
CLOSE_S = 1


class Listener(threading.Thread):
    """A client that comes back by itself, always from where it stands."""

    def __init__(self, portal: Portal, stream: str) -> None:
        super().__init__(daemon=True)
        self.portal, self.stream = portal, stream
        self.seqs: list[int] = []
        self.reconnects = -1
        self.done = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.done.is_set():
            try:
                with open_socket(self.portal, self.stream, self.seqs[-1] if self.seqs else 0) as socket:
                    self.reconnects += 1
                    self._listen(socket)
            except Exception:
                time.sleep(0.1)

    def _listen(self, socket: ClientConnection) -> None:
        while not self.done.is_set():
            try:
                frame = json.loads(socket.recv(timeout=0.5))
            except TimeoutError:
                continue
            if frame["type"] == "events":
                self.seqs += [event["seq"] for event in frame["events"]]


def open_socket(portal: Portal, stream: str, after: int | str = 0, origin: str = "",
                who: dict[str, str] | None = None) -> ClientConnection:
    mine = dict(portal.http.cookies) if who is None else who
    cookies = "; ".join(f"{name}={value}" for name, value in mine.items())
    return connect(f"ws://127.0.0.1:{portal.port}/ws/streams/{stream}/?after={after}", origin=origin or portal.address,
                   additional_headers={"Cookie": cookies}, open_timeout=60, close_timeout=CLOSE_S)


def test_20_sockets_resume_with_no_gap_and_no_duplicate(portal: Portal) -> None:
    run = portal.launch("training.backprop", epochs=8, batch_size=2)
    stream = str(portal.run(run)["stream_id"])
    listeners = [Listener(portal, stream) for _ in range(20)]
    until(lambda: all(len(one.seqs) > 3 for one in listeners), 90, "all 20 hear the run")
    for _ in range(2):
        before = [one.reconnects for one in listeners]
        portal.web().kill()
        until(lambda before=before: all(one.reconnects > was for one, was in zip(listeners, before, strict=True)), 40,
              "all 20 are back")
    assert portal.wait(run)["status"] == "finished"
    head = portal.events(run)[-1]["seq"]
    until(lambda: all(one.seqs and one.seqs[-1] == head for one in listeners), 20, "all 20 have the last row")
    for one in listeners:
        one.done.set()
        assert one.seqs == list(range(1, head + 1))


def test_a_late_socket_reads_the_whole_history(portal: Portal) -> None:
    run = portal.launch("training.backprop", epochs=1)
    portal.wait(run)
    expected = portal.events(run)
    with open_socket(portal, str(portal.run(run)["stream_id"])) as socket:
        frame = json.loads(socket.recv(timeout=60))
    assert frame["events"] == expected


@pytest.mark.parametrize("after", ["-1", "1.5", "9223372036854775808", "x", "١", "99999999"])
def test_a_position_that_cannot_be_is_refused_with_what_is_allowed(portal: Portal, after: str) -> None:
    with open_socket(portal, portal.stream(), after) as socket:
        said = json.loads(socket.recv(timeout=60))
    assert (said["type"], said["code"]) == ("error", "bad_position") and "from 0 to" in said["text"]


def refused(portal: Portal, stream: str, **how: object) -> int:
    with pytest.raises(InvalidStatus) as answer:
        open_socket(portal, stream, **how)  # type: ignore[arg-type]
    return int(answer.value.response.status_code)


def test_a_stranger_and_somebody_not_signed_in_find_no_socket(portal: Portal) -> None:
    stream = portal.stream()
    stranger = portal.stranger()
    assert httpx.get(f"{portal.address}/account/", cookies=stranger, timeout=60).status_code == 200, "the stranger is signed in"
    assert refused(portal, stream, who=stranger) == 404
    assert refused(portal, stream, who={}) == 404
    assert refused(portal, "00000000-0000-0000-0000-000000000000") == 404


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_page_of_another_site_cannot_open_a_socket(portal: Portal, origin: str) -> None:
    stream = portal.stream()
    assert refused(portal, stream, origin=origin) == 403


@pytest.mark.parametrize("said", ['{"type": "websocket.disconnect"}', '{"type": "fell_behind"}', "[" * 5000, b"\x00\xff", ""])
def test_what_a_client_says_is_answered_with_an_error_and_the_socket_lives(portal: Portal, said: str | bytes) -> None:
    with open_socket(portal, portal.stream()) as socket:
        for _ in range(2):
            socket.send(said)
            assert heard(socket, "error")["code"] == "not_understood"


def test_a_client_that_goes_on_talking_is_closed(portal: Portal) -> None:
    before = portal.web().memory_info().rss
    with open_socket(portal, portal.stream()) as socket:
        # Still talking, it may hear the reset of the connection before the reason.
        assert closed_with(socket, lambda: [socket.send("x") for _ in range(10_000)]) in (1008, 1006)
    assert portal.web().memory_info().rss - before < 30e6
    assert portal.http.get("/").status_code == 200


def test_a_message_over_64_kb_closes_the_socket(portal: Portal) -> None:
    with open_socket(portal, portal.stream()) as socket:
        assert closed_with(socket, lambda: socket.send("x" * 70_000)) == 1009


def test_a_message_that_is_no_text_closes_the_socket(portal: Portal) -> None:
    with open_socket(portal, portal.stream()) as socket:
        assert closed_with(socket, lambda: socket.send(b"\xff\xfe", text=True)) == 1007


def test_a_message_in_fragments_without_end_closes_the_socket(portal: Portal) -> None:
    with open_socket(portal, portal.stream()) as socket:
        # Still sending, it may hear the reset of the connection before the reason.
        assert closed_with(socket, lambda: socket.send("x" * 1000 for _ in range(100_000))) in (1009, 1006)
    assert portal.http.get("/").status_code == 200


def test_who_has_signed_out_is_shown_out_when_asked_again(portal: Portal) -> None:
    portal.http.get(portal.link())
    try:
        with open_socket(portal, portal.stream()) as socket:
            portal.sql("delete from django_session where session_key = %s", portal.http.cookies["sessionid"])
            assert closed_with(socket, lambda: None) == 4401
    finally:
        portal.http.cookies.clear()
        portal.http.get(portal.link())


def heard(socket: ClientConnection, kind: str) -> dict[str, str]:
    while True:
        frame = json.loads(socket.recv(timeout=60))
        if frame["type"] == kind:
            return dict(frame)


def closed_with(socket: ClientConnection, do: Callable[[], object], seconds: float = 60) -> int:
    """The code with which the server closes the socket after that; what it says before does not matter."""
    end = time.monotonic() + seconds
    with contextlib.suppress(ConnectionClosed):
        do()
    try:
        while True:
            socket.recv(timeout=max(0.1, end - time.monotonic()))
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
