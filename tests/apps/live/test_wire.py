"""The line to one client: its frames are a websocket's, and a client that does not read is cut, however it fails to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from apps.live import wire as wires


class Transport:
    """Bytes that a client has not read yet."""

    def __init__(self) -> None:
        self.waiting, self.closing, self.aborted, self.got = 0, False, False, b""

    def write(self, data: bytes) -> None:
        if self.closing:
            raise RuntimeError("unable to perform operation; the handler is closed")
        self.got += data

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted = self.closing = True

    def get_extra_info(self, name: str) -> None:
        return None


class Protocol:
    """What the wire looks at in uvicorn's protocol."""

    def __init__(self) -> None:
        self.transport, self.writable = Transport(), asyncio.Event()
        self.writable.set()
        self.disconnected = self.close_sent = False
        self.pong_timer: Any = None
        self.ping_sent_at, self.ping_timeout = 0.0, 4.0


@pytest.fixture
def protocol() -> Protocol:
    return Protocol()


@pytest.fixture
def wire(protocol: Protocol) -> wires.Wire:
    return wires.Wire(protocol)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1_000_000])
def test_a_frame_is_what_a_websocket_library_reads(size: int) -> None:
    text = "ä" + "x" * size if size else ""
    reader = StreamReader()
    reader.feed_data(wires.text_frame(text))
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    frame = done.value.value
    assert (frame.opcode, frame.fin, bytes(frame.data).decode()) == (Opcode.TEXT, True, text)


def test_a_client_that_reads_gets_what_is_written(wire: wires.Wire, protocol: Protocol) -> None:
    assert wire.write(b"abc") and protocol.transport.got == b"abc"


def test_nothing_is_written_to_one_that_is_behind(wire: wires.Wire, protocol: Protocol) -> None:
    protocol.writable.clear()
    assert not wire.write(b"abc") and protocol.transport.got == b""


@pytest.mark.parametrize("how", ["close_sent", "transport.closing"])
def test_nothing_is_written_to_one_that_closes(wire: wires.Wire, protocol: Protocol, how: str) -> None:
    owner = protocol.transport if "." in how else protocol
    setattr(owner, how.rpartition(".")[2], True)
    assert not wire.write(b"abc") and not wire.is_open


def test_a_transport_that_raises_is_cut_and_raises_nothing(wire: wires.Wire, protocol: Protocol,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol.transport, "write", lambda data: 1 / 0)
    assert not wire.write(b"abc")
    assert protocol.transport.aborted and not wire.is_open


def test_one_whose_bytes_stand_still_is_cut_after_six_seconds(wire: wires.Wire, protocol: Protocol) -> None:
    protocol.transport.waiting = 100
    for second in range(1, 8):
        assert wire.watch(float(second)) and not protocol.transport.aborted
    wire.watch(8.0)
    assert protocol.transport.aborted


def test_one_that_reads_slowly_lives(wire: wires.Wire, protocol: Protocol) -> None:
    for second in range(1, 60):
        wire.write(b"x" * 10)
        protocol.transport.waiting = 500 + second
        wire.watch(float(second))
    assert not protocol.transport.aborted


def test_one_that_is_closed_and_does_not_read_is_not_waited_for(wire: wires.Wire, protocol: Protocol) -> None:
    protocol.transport.waiting = 100
    wire.watch(1.0)
    protocol.transport.closing = True
    wire.watch(2.0)
    assert protocol.transport.aborted


def test_one_that_answers_no_ping_is_cut_before_the_server_closes_it_politely(wire: wires.Wire, protocol: Protocol) -> None:
    protocol.pong_timer, protocol.ping_sent_at = object(), 10.0
    wire.watch(13.0)
    assert not protocol.transport.aborted
    wire.watch(13.5)
    assert protocol.transport.aborted


def test_one_that_is_gone_is_watched_no_longer(wire: wires.Wire, protocol: Protocol) -> None:
    assert wire.watch(1.0)
    protocol.disconnected = True
    assert not wire.watch(2.0)


def test_a_server_whose_transport_cannot_be_had_has_no_wire() -> None:
    async def send(message: object) -> None: ...

    assert wires.wire_of(send) is None
