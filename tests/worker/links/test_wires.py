"""Frames over real connections: whole times, both ways at once, and an end to every wait."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from tests.portal import strain, until
from tests.worker.links.ends import beside, forged, packed, sockets, wires
from worker.links import frames
from worker.links.channel import Channel
from worker.links.faults import Ended, LinkFault, Silent, Strange, TooLarge, Torn
from worker.links.frames import Frame
from worker.links.talking import Wire

LARGE = Frame("image", {"number": 1}, {"x": np.random.default_rng(0).random((4, 250_000))})


def test_a_frame_larger_than_any_buffer_arrives_and_every_byte_is_counted() -> None:
    with wires() as (one, other), beside(lambda: one.send(LARGE)):
        assert np.array_equal(other.receive().tensors["x"], LARGE.tensors["x"])
    assert one.bytes_sent == other.bytes_received == frames.size(LARGE)
    assert one.bytes_received == other.bytes_sent == 0


def test_many_frames_and_many_tensors_come_in_order() -> None:
    many = {f"tensor {at}": np.full(at % 5, at, np.int32) for at in range(500)}
    with wires() as (one, other), beside(lambda: [one.send(Frame("image", {"at": at}, many)) for at in range(20)]):
        for at in range(20):
            came = other.receive()
            assert came.facts == {"at": at}
            assert all(np.array_equal(came.tensors[name], tensor) for name, tensor in many.items())


def test_both_sides_may_send_large_frames_at_once() -> None:
    with wires() as (one, other), beside(lambda: one.send(LARGE)), beside(lambda: other.send(LARGE)), beside(one.receive):
        assert np.array_equal(other.receive().tensors["x"], LARGE.tensors["x"])


def test_frames_of_two_threads_do_not_mix() -> None:
    def thrice() -> None:
        for _ in range(3):
            one.send(LARGE)

    with wires() as (one, other), beside(thrice), beside(thrice):
        assert all(np.array_equal(other.receive().tensors["x"], LARGE.tensors["x"]) for _ in range(6))


def test_silence_between_frames_breaks_nothing() -> None:
    with wires() as (one, other):
        with pytest.raises(Silent, match=r"Nothing was said within 0\.05 s"):
            one.receive(within_s=0.05)
        other.send(Frame("image", {"late": True}))
        assert one.receive().facts == {"late": True}


def test_a_frame_that_stops_in_the_middle_is_given_up() -> None:
    with sockets() as (near, far), Wire(far, 10**8, 1.0) as wire:
        near.sendall(packed(LARGE)[:5000])
        with pytest.raises(Silent, match=r"stopped after 5,000 bytes"):
            wire.receive()
        with pytest.raises(Torn, match="no more: A frame stopped"):
            wire.receive()
        assert near.recv(1) == b""


def test_a_peer_that_drips_a_byte_at_a_time_holds_nobody() -> None:
    """A limit that starts anew with every byte would hold for 200 s here."""
    stopped = threading.Event()

    def drip() -> None:
        for at in range(2000):
            if stopped.wait(0.1):
                return
            try:
                near.sendall(packed(LARGE)[at:at + 1])
            except OSError:
                return

    with sockets() as (near, far), Wire(far, 10**8, 0.4) as wire, beside(drip):
        begun = time.monotonic()
        with pytest.raises(Silent, match="stopped after"):
            wire.receive()
        stopped.set()
        assert time.monotonic() - begun < 10 * strain()


class OneByte(Channel):
    """A connection that is always ready, for one byte."""

    def __init__(self, plain: socket.socket, said: bytes) -> None:
        super().__init__(plain)
        self._rest = iter(said)

    def receive_into(self, into: memoryview, until: float) -> int:
        into[0] = next(self._rest)
        return 1

    def send(self, parts: Sequence[memoryview], until: float) -> int:
        return 1


def test_a_peer_that_always_has_or_takes_one_more_byte_holds_nobody() -> None:
    """Nobody ever waits for it, so that no wait can be too long."""
    with sockets() as (near, far):
        begun = time.monotonic()
        with Wire(OneByte(near, packed(LARGE)), 10**8, 0.2) as wire, pytest.raises(Silent, match="stopped after"):
            wire.receive()
        with Wire(OneByte(far, b""), 10**8, 0.2) as wire, pytest.raises(Silent, match="were not taken"):
            wire.send(LARGE)
    assert time.monotonic() - begun < 10 * strain()


def test_a_peer_that_takes_nothing_holds_no_sender() -> None:
    with sockets() as (near, _), Wire(near, 10**9, 0.2) as wire:
        begun = time.monotonic()
        with pytest.raises(Silent, match="were not taken"):
            wire.send(Frame("image", tensors={"x": np.zeros(10**7)}))
        assert time.monotonic() - begun < 10 * strain()
        with pytest.raises(Torn, match="no more"):
            wire.send(Frame("image"))


def test_a_peer_that_takes_a_byte_at_a_time_holds_no_sender() -> None:
    with sockets() as (near, far), Wire(near, 10**9, 0.4) as wire:
        over = threading.Event()

        def sip() -> None:
            while not over.wait(0.05):
                far.recv(1)

        with beside(sip):
            with pytest.raises(Silent, match="were not taken"):
                wire.send(Frame("image", tensors={"x": np.zeros(10**7)}))
            over.set()


def test_a_peer_that_ends_between_frames_ended() -> None:
    with sockets() as (near, far), Wire(far, 10**8, 20) as wire:
        near.sendall(packed(Frame("image")))
        near.close()
        assert wire.receive().kind == "image"
        with pytest.raises(Ended):
            wire.receive()

def test_a_peer_that_ends_inside_a_frame_is_torn() -> None:
    with sockets() as (near, far), Wire(far, 10**8, 20) as wire:
        with beside(lambda: (near.sendall(packed(LARGE)[:-1]), near.close())), pytest.raises(Torn, match="was lost") as raised:
            wire.receive()
        assert not isinstance(raised.value, Ended)


def test_a_peer_that_is_killed_is_torn_for_sender_and_receiver() -> None:
    with sockets() as (near, far), Wire(near, 10**8, 20) as wire:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        far.close()
        with pytest.raises(Torn):
            until(lambda: wire.send(Frame("image")), 10, "the reset to be noticed")
        with pytest.raises(Torn):
            wire.receive()


@pytest.mark.parametrize(("said", "fault"), [(b"GET / HTTP/1.1\r\n\r\n", Strange), (forged(body_bytes=10**10), TooLarge),
                                             (forged(b"[]"), Strange), (forged()[:-1] + b"!", Torn)])
def test_after_a_fault_the_connection_is_closed_and_says_why(said: bytes, fault: type[LinkFault]) -> None:
    with sockets() as (near, far), Wire(far, 10**8, 20) as wire:
        near.sendall(said)
        with pytest.raises(fault) as raised:
            wire.receive()
        with pytest.raises(Torn, match="no more") as later:
            wire.send(Frame("image"))
        assert str(raised.value).rstrip(".") in str(later.value)


def test_a_frame_that_may_not_be_sent_breaks_nothing() -> None:
    with wires(most_bytes=10_000) as (one, other):
        with pytest.raises(TooLarge, match="allowed here"):
            one.send(LARGE)
        with pytest.raises(Strange):
            one.send(Frame("image", {"x": object()}))
        one.send(Frame("image", {"small": 1}))
        assert other.receive().facts == {"small": 1}
        assert one.bytes_sent == other.bytes_received


def test_closing_wakes_whoever_waits() -> None:
    with wires(patience_s=600) as (one, _):
        begun = time.monotonic()
        threading.Timer(0.1, one.close).start()
        with pytest.raises(Torn, match="closed on this side"):
            one.receive()
        assert time.monotonic() - begun < 10 * strain()
        with pytest.raises(Torn, match="closed on this side"):
            one.send(Frame("image"))
        one.close()


def test_the_patience_for_one_call_may_be_another() -> None:
    with wires(patience_s=0.05) as (one, other):
        threading.Timer(0.3, lambda: other.send(Frame("image"))).start()
        assert one.receive(within_s=20).kind == "image"


def test_unix_sockets_will_do() -> None:
    near, far = socket.socketpair()
    with Wire(near, 10**8, 20) as one, Wire(far, 10**8, 20) as other, beside(lambda: one.send(LARGE)):
        assert np.array_equal(other.receive().tensors["x"], LARGE.tensors["x"])
