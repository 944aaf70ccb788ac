"""A slice kept by a board, in a real process under TLS: what comes broken, too large or from strangers harms nobody."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.portal import free_port, strain, until
from tests.worker.agent.fake_portal import RUN, FakePortal, says, served
from tests.worker.agent.ordered import Board
from tests.worker.partitioning.slices_built import MOST_BYTES, Built, answers, built, heard
from worker.agent import data_port, hosting
from worker.agent.hosting import Hosting
from worker.agent.running import Means
from worker.context import HostInput
from worker.links import frames
from worker.links.faults import LinkFault
from worker.links.frames import Frame
from worker.links.wire import connect
from worker.partitioning.slicing.boards import OnBoards
from worker.partitioning.slicing.chain import Chain
from worker.partitioning.slicing.faults import GaveUp
from worker.partitioning.slicing.local import Part

pytestmark = pytest.mark.kill
TOKEN = "5" * 64


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(tmp_path_factory.mktemp("slices"), plan="pi until pool1; rack", links="pi to rack: 0 ms, 1 Gbit/s")


class Keeping:
    """A board that keeps the second part, as its agent does, and what a lead is told of it."""

    def __init__(self, folder: Path, portal: FakePortal, given: Built) -> None:
        self.given, self.portal, self.board = given, portal, Board(folder / "board", portal)
        data_port.keep(self.board.folder, free_port())
        port = data_port.of(self.board.folder)
        assert port
        piece = given.what.pieces[1]
        facts = {"engine": "onnxruntime", "most_bytes": MOST_BYTES}
        claim = portal.slice_of((given.context.workdir / piece["file"]).read_bytes(), facts=facts)
        hosting.begin(self.board.folder, claim)
        kept = Hosting(self.board.folder, claim, self.board.line(), Means(), port, self.board.stopping)
        self.thread = threading.Thread(target=kept.live, daemon=True)
        self.thread.start()
        self.host = HostInput(2, "rack", RUN, ("127.0.0.1",), port.port, port.certificate.fingerprint, TOKEN)
        until(lambda: self.said("serving"), 40 * strain(), f"it serves; it said {portal.slices}")

    def said(self, state: str) -> list[str]:
        return [said["reason"] for said in self.portal.slices if said["state"] == state]

    def process(self) -> psutil.Process:
        found: psutil.Process = until(lambda: _process(self), 20, "its process")
        return found

    @contextlib.contextmanager
    def led(self, **other: Any) -> Iterator[Chain]:
        piece = self.given.what.pieces[0]
        first = Part("pi", self.given.context.workdir / piece["file"])
        return_s = 20.0 * strain()
        with (OnBoards(first, [replace(self.host, **other)], engine="onnxruntime", threads=1, most_bytes=MOST_BYTES,
                       return_s=return_s) as on,
              Chain(on, first=self.given.arrays["images"][:1], most_bytes=MOST_BYTES, patience_s=10.0) as through):
            yield through

    def answers(self) -> bool:
        """Whether whoever knows the token is answered as the slices do in one process."""
        with self.led() as through:
            return answers(self.given, through, 0, 1) == (True, [])

    def caller(self, token: str = TOKEN) -> Any:
        host = self.host
        return connect((host.addresses[0], host.port), token=token, run=RUN, pin=host.pin, patience_s=60.0, most_bytes=MOST_BYTES)

    def stop(self) -> None:
        self.board.stopping.set()
        self.thread.join(120)
        assert not self.thread.is_alive()


@contextlib.contextmanager
def kept(folder: Path, given: Built) -> Iterator[Keeping]:
    with served() as portal:
        made = Keeping(folder, portal, given)
        yield made
        process = _process(made)
        made.stop()
        assert process is None or not process.is_running(), "no process is left"


@pytest.fixture(scope="module")
def under_attack(tmp_path_factory: pytest.TempPathFactory, given: Built) -> Iterator[Keeping]:
    """The same one for all attacks: what one of them broke would fail the next."""
    with kept(tmp_path_factory.mktemp("attacked"), given) as made:
        yield made


@pytest.fixture
def keeping(tmp_path: Path, given: Built) -> Iterator[Keeping]:
    with kept(tmp_path, given) as made:
        yield made


def refused(keeping: Keeping, **other: Any) -> str:
    begun = time.monotonic()
    with keeping.led(**other) as through, pytest.raises(GaveUp) as gave_up:
        heard(through.opened())
    assert time.monotonic() - begun < 15 * strain(), "nothing hangs"
    return str(gave_up.value)


def test_a_wrong_token_and_a_wrong_certificate_are_told_and_harm_nobody(under_attack: Keeping) -> None:
    keeping = under_attack
    assert keeping.answers()
    assert "another token" in refused(keeping, token="6" * 64)
    assert "another certificate" in refused(keeping, pin="0" * 64)
    assert "another run" in refused(keeping, run="11111111-0000-4000-8000-000000000001")
    assert keeping.answers() and keeping.said("serving") and not keeping.said("gone")


def tls(keeping: Keeping) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", keeping.host.port), timeout=60))


def head_of(size: int) -> bytes:
    """A frame that claims so many bytes; its own checksum is right."""
    import zlib

    head = frames.HEAD.pack(frames.MAGIC, frames.VERSION, b"run", 2, 0, size)
    return head + frames.SEAL.pack(zlib.crc32(head))


BROKEN = {"a frame that claims 10 GB": head_of(10_000_000_000), "a head that stops in the middle": head_of(4096)[:20],
          "a torn frame": head_of(4096) + b"{}" + b"x" * 100, "another protocol": b"GET / HTTP/1.1\r\n\r\n" * 8}


@pytest.mark.parametrize("knows_the_token", [False, True])
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_or_too_large_ends_that_connection_only(
    under_attack: Keeping, name: str, knows_the_token: bool,
) -> None:
    keeping, said = under_attack, BROKEN[name]
    process = keeping.process()
    before = process.memory_info().rss
    begun = time.monotonic()
    if knows_the_token:
        wire = keeping.caller()
        wire._channel.send([memoryview(said)], time.monotonic() + 60)
        if "stops" in name or "torn" in name:
            wire.close()
        with pytest.raises(LinkFault):
            wire.receive(60.0)
    else:
        with tls(keeping) as raw, contextlib.suppress(OSError):
            raw.sendall(said)
    assert time.monotonic() - begun < 20 * strain()
    assert keeping.answers(), name
    assert process.is_running() and process.memory_info().rss - before < 100_000_000


def test_who_speaks_no_tls_is_turned_away(under_attack: Keeping) -> None:
    keeping = under_attack
    with socket.create_connection(("127.0.0.1", keeping.host.port), timeout=60) as raw:
        raw.sendall(b"".join(bytes(part) for part in frames.parts(Frame("call", {"run": RUN, "nonce": "00"}))))
        raw.settimeout(60)
        with contextlib.suppress(ConnectionError):
            assert b"hello" not in raw.recv(4096)
    assert keeping.answers()


def test_a_slice_that_is_killed_is_started_again_and_the_stream_goes_on(keeping: Keeping) -> None:
    with keeping.led() as through:
        assert answers(keeping.given, through, 0) == (True, [])
        keeping.process().kill()
        same, said = answers(keeping.given, through, 1, 2)
    assert same and 1 <= through.restarts <= 2 and "Part 2, rack" in said[0].message  # type: ignore[union-attr]


def test_a_slice_that_dies_three_times_is_given_back_with_the_reason(keeping: Keeping) -> None:
    for _ in range(3):
        process = until(lambda: _process(keeping), 20 * strain(), "its process")
        process.kill()
        until(lambda dead=process: not dead.is_running() or dead.status() == psutil.STATUS_ZOMBIE, 10, "its end")  # type: ignore[misc]
        until(lambda dead=process: keeping.said("gone") or _another(keeping, dead), 20 * strain(), "the next")  # type: ignore[misc]
    assert keeping.said("gone") == ["its process ended 3 times (killed by signal 9)"]


def _process(keeping: Keeping) -> psutil.Process | None:
    """None while none listens."""
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "worker.agent.slice_process" in " ".join(one.cmdline()) and any(
                    each.laddr.port == keeping.host.port for each in one.net_connections("tcp")):
                return one
    return None


def _another(keeping: Keeping, dead: psutil.Process) -> bool:
    found = _process(keeping)
    return found is not None and found.pid != dead.pid


def test_it_ends_when_the_portal_says_that_its_run_is_over(keeping: Keeping) -> None:
    process = keeping.process()
    keeping.portal.slice_over = True
    keeping.thread.join(120)
    assert not keeping.thread.is_alive() and not process.is_running()
    assert hosting.held(keeping.board.folder) is None


def test_a_portal_that_is_away_ends_nothing(keeping: Keeping) -> None:
    asked = len(keeping.portal.slices)
    keeping.portal.faults[RUN] = [says(503)]
    assert keeping.answers()
    until(lambda: len(keeping.portal.slices) > asked, 20 * strain(), "it is heard again")
    assert not keeping.said("gone")


def test_an_agent_that_stops_gives_it_back(keeping: Keeping) -> None:
    keeping.stop()
    assert keeping.said("gone") == ["the board's agent was stopped"]
