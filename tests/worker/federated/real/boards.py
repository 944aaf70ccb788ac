"""Boards that take part in a course: real processes under TLS, kept as agents keep them, for a portal that is played."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.portal import free_port, strain, until
from tests.worker.agent.fake_portal import RUN, FakePortal, served
from tests.worker.agent.ordered import Board
from worker.agent import data_port, hosting
from worker.agent.hosting import Hosting
from worker.agent.running import Means
from worker.context import Context, HostInput
from worker.federated.course import Course
from worker.federated.real.bridge import Member
from worker.federated.real.sharing import parcelled
from worker.orders import HOSTED, Order


def ordered(some: Course, folder: Path, patience_s: float = 60.0) -> Order:
    """What the boards of a course are given, as files of the folder."""
    names = [each.name for each in some.fleet.clients]
    return parcelled(some.network, some.data, some.parts, names, some.places, some.plan.pace, patience_s, Context(folder))


class Kept:
    """A device of a course that a board keeps. `leave` and `come`: as when its agent dies and starts again."""

    def __init__(self, folder: Path, portal: FakePortal, parcel: Mapping[str, Any], files: Path, client: str) -> None:
        self.portal, self.client, self.board = portal, client, Board(folder / client, portal)
        data_port.keep(self.board.folder, free_port())
        found = data_port.of(self.board.folder)
        assert found
        self.port, self.token = found, hashlib.sha256(client.encode()).hexdigest()
        named = [portal.file_of(path, (files / path).read_bytes()) for path in parcel["files"]]
        claim = {"hosting": RUN, "run": RUN, "number": 1, "part": 2, "device": client, "files": named, "token": self.token,
                 "lease_s": 30.0, "facts": dict(parcel["facts"])}
        hosting.begin(self.board.folder, claim)
        self.come()

    @property
    def member(self) -> Member:
        host = HostInput(2, self.client, RUN, ("127.0.0.1",), self.port.port, self.port.certificate.fingerprint, self.token)
        return Member(self.client, host)

    def come(self) -> None:
        self.board.stopping.clear()
        claim = hosting.held(self.board.folder)
        assert claim
        self.hosting = Hosting(self.board.folder, claim, self.board.line(), Means(), self.port, self.board.stopping)
        self.thread = threading.Thread(target=self.hosting.live, daemon=True)
        self.thread.start()

    def leave(self) -> None:
        """Its process is killed, and nobody starts it again."""
        claim = hosting.held(self.board.folder)
        assert claim
        self.stop()
        hosting.begin(self.board.folder, claim)

    @property
    def is_here(self) -> bool:
        return self.thread.is_alive()

    def pid(self) -> int:
        return int(until(self._process, 60 * strain(), f"the process of {self.client}").pid)

    def _process(self) -> psutil.Process | None:
        process = self.hosting._process
        return psutil.Process(process._process.pid) if process and process.serves else None

    def stop(self) -> None:
        self.board.stopping.set()
        self.thread.join(60)
        assert not self.thread.is_alive()


@contextlib.contextmanager
def kept(some: Course, folder: Path, patience_s: float = 60.0) -> Iterator[dict[str, Kept]]:
    """All clients of a course on boards of their own; they serve."""
    order = ordered(some, folder, patience_s)
    names = [each.name for each in some.fleet.clients]
    with served() as portal:
        boards = {name: Kept(folder / "boards", portal, order.facts[HOSTED][str(part)], folder, name)
                  for part, name in enumerate(names, 2)}
        try:
            for board in boards.values():
                board.pid()
            yield boards
        finally:
            for board in boards.values():
                board.stop()
