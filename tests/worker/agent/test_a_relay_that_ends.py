"""A relay on a board that is over: its port is closed, and nobody waits for it any more; one odd answer does not end it."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.portal import strain, until
from worker.agent.portal import Answer, Portal
from worker.agent.relaying import Answering, AtPortal, Calling


def test_a_closed_relay_takes_no_callers_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    nobody: Any = SimpleNamespace()
    relay = Calling(AtPortal(cast(Portal, nobody), "1", "token"))
    port = relay.port
    assert set(threading.enumerate()) - before
    relay.close()
    until(lambda: not set(threading.enumerate()) - before, 5, "the end of the thread")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


class Late:
    """A place that answers a call when it is let, and then tells what is done there."""

    def __init__(self) -> None:
        self.is_asked, self.may_answer, self.carried = threading.Event(), threading.Event(), list[str]()

    def call(self) -> int:
        self.is_asked.set()
        assert self.may_answer.wait(60 * strain())
        return 1

    def called(self, after: int) -> int:
        return after

    def put(self, call: int, number: int, piece: bytes) -> None:
        self.carried.append("put")

    def get(self, call: int, number: int) -> bytes | None:
        self.carried.append("get")
        return None

    def close(self) -> None:
        pass


def test_a_relay_that_is_closed_while_a_call_is_made_carries_nobody() -> None:
    before, place = set(threading.enumerate()), Late()
    relay = Calling(place)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=20 * strain()) as near:
        assert place.is_asked.wait(20 * strain())
        relay.close()
        place.may_answer.set()
        assert near.recv(1) == b"", "who called is not left waiting"
    until(lambda: not set(threading.enumerate()) - before, 5, "the end of the threads")
    assert place.carried == []


class Odd:
    """A portal that answers the first calls with `bodies`, and then as it should."""

    def __init__(self, *bodies: Any) -> None:
        self.bodies, self.asked = list(bodies), 0

    def ask(self, *_: Any, **headers: str) -> Answer:
        self.asked += 1
        body = self.bodies.pop(0) if self.bodies else {"call": 7}
        if isinstance(body, Exception):
            raise body
        return Answer(200, body, None)

    def carry(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        return 200, b"" if path.endswith("/1") else b"back"

    def close(self) -> None:
        pass


@pytest.mark.parametrize("odd", [{}, {"call": None}, {"call": "many"}, RuntimeError("nobody thought of it")])
def test_an_odd_answer_ends_its_own_connection_at_once_and_the_next_is_carried(odd: Any) -> None:
    portal: Any = Odd(odd)
    relay = Calling(AtPortal(portal, "1", "token"))
    try:
        with socket.create_connection(("127.0.0.1", relay.port), timeout=20 * strain()) as near:
            assert near.recv(4) == b"" and portal.asked == 1
        with socket.create_connection(("127.0.0.1", relay.port), timeout=20 * strain()) as near:
            assert near.recv(4) == b"back"
    finally:
        relay.close()


def test_an_odd_answer_does_not_end_the_side_of_the_slice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as slice_:
        portal: Any = Odd({"call": None})
        answering = Answering(AtPortal(portal, "1", "token"), lambda: int(slice_.getsockname()[1]))
        answering.start()
        slice_.settimeout(20 * strain())
        far, _ = slice_.accept()
        far.close()
        answering.close()
        answering.join(20 * strain())
        assert not answering.is_alive()
