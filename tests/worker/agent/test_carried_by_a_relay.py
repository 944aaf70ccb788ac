"""A relay from end to end, with pieces kept in memory: bytes arrive in order both ways, and one side's end is the other's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.portal import strain, until
from worker.agent.relaying import Answering, Calling
from worker.agent.wording import Away, Refused


class Shelf:
    """What a portal keeps of one slice. `away`: so many questions are not answered; `over`: for whom the run is lost."""

    def __init__(self) -> None:
        self.calls, self.pieces = 0, dict[tuple[int, str, int], bytes]()
        self.away, self.over = 0, ""


class End:
    """`says`: the way of this end."""

    def __init__(self, shelf: Shelf, says: str, hears: str) -> None:
        self._shelf, self._says, self._hears = shelf, says, hears

    def call(self) -> int:
        self._answered()
        self._shelf.calls += 1
        return self._shelf.calls

    def called(self, after: int) -> int:
        self._answered()
        time.sleep(0.01)
        return self._shelf.calls

    def put(self, call: int, number: int, piece: bytes) -> None:
        self._answered()
        self._shelf.pieces.setdefault((call, self._says, number), piece)

    def get(self, call: int, number: int) -> bytes | None:
        self._answered()
        time.sleep(0.005)
        return self._shelf.pieces.get((call, self._hears, number))

    def close(self) -> None:
        pass

    def _answered(self) -> None:
        if self._shelf.over == self._says:
            raise Refused(403, "This run is another's.", {})
        if self._shelf.away:
            self._shelf.away -= 1
            raise Away("Nobody answers.")


class Between:
    """A slice that listens, a relay to it, and who has the part before."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.slice = socket.create_server(("127.0.0.1", 0))
        self.answering = Answering(End(self.shelf, "back", "out"), lambda: int(self.slice.getsockname()[1]))
        self.answering.start()
        self.calling = Calling(End(self.shelf, "out", "back"))

    def connected(self) -> tuple[socket.socket, socket.socket]:
        near = socket.create_connection(("127.0.0.1", self.calling.port), timeout=20 * strain())
        self.slice.settimeout(20 * strain())
        far, _ = self.slice.accept()
        far.settimeout(20 * strain())
        return near, far

    def close(self) -> None:
        self.calling.close()
        self.answering.close()
        self.slice.close()


@pytest.fixture
def between() -> Iterator[Between]:
    made = Between()
    yield made
    made.close()


def read(end: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (piece := end.recv(count - len(found))):
        found += piece
    return found


def test_bytes_arrive_in_order_both_ways(between: Between) -> None:
    near, far = between.connected()
    tensor = bytes(range(256)) * 4000
    threading.Thread(target=near.sendall, args=(tensor,), daemon=True).start()
    assert read(far, len(tensor)) == tensor
    far.sendall(b"answer")
    assert read(near, 6) == b"answer"


def test_a_slice_that_dies_ends_the_connection_of_who_sends_to_it(between: Between) -> None:
    near, far = between.connected()
    far.close()
    assert near.recv(1) == b""
    near, far = between.connected()
    near.sendall(b"again")
    assert read(far, 5) == b"again", "a new call reaches it"


def test_a_part_before_that_dies_ends_the_visit_at_the_slice(between: Between) -> None:
    near, far = between.connected()
    near.close()
    assert far.recv(1) == b""


def test_a_portal_that_is_away_for_a_while_ends_nothing(between: Between) -> None:
    between.shelf.away = 3  # As a new connection is made.
    near, far = between.connected()
    between.shelf.away = 5
    near.sendall(b"tensor")
    assert read(far, 6) == b"tensor"


def test_who_lost_the_run_is_carried_no_further(between: Between) -> None:
    near, _ = between.connected()
    between.shelf.over = "out"
    assert near.recv(1) == b""
    near = socket.create_connection(("127.0.0.1", between.calling.port), timeout=20 * strain())
    assert near.recv(1) == b"", "nor with a new connection"
    assert between.shelf.calls == 1


def test_a_slice_that_does_not_listen_yet_is_called_until_it_does(between: Between) -> None:
    address = between.slice.getsockname()
    between.slice.close()
    near = socket.create_connection(("127.0.0.1", between.calling.port), timeout=20 * strain())
    until(lambda: between.shelf.calls == 1, 20 * strain(), "the call")
    between.slice = socket.create_server(address)
    between.slice.settimeout(20 * strain())
    far, _ = between.slice.accept()
    far.settimeout(20 * strain())
    near.sendall(b"late")
    assert read(far, 4) == b"late"
