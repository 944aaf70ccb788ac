"""Frames between two processes of this machine, beside the same bytes over a bare socket; and how exact emulated links are."""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from worker.links import certificate, frames
from worker.links.certificate import Certificate
from worker.links.emulation import Emulated
from worker.links.faults import Ended
from worker.links.frames import Frame
from worker.links.wire import Listener, Wire, connect

Row = tuple[str, str]
SAID: dict[str, Any] = {"token": "t", "run": "r", "patience_s": 120.0, "most_bytes": 10**9}
SIZES = {"1 kB": 10**3, "a feature map of 803 kB": 802_816, "10 MB": 10**7, "50 MB": 5 * 10**7}
ROUNDS = 7
# What each is called, and the bytes of a message over it.
LINKS = {"20 ms, 20 Mbit/s": (Emulated(0.020, 2.5e6), 200_000), "66.7 ms, 1.6 Mbit/s": (Emulated(0.0667, 2e5), 50_000),
         "2 ms, 500 Mbit/s": (Emulated(0.002, 62.5e6), 2_000_000)}


def rows() -> Iterator[Row]:
    for what, size in SIZES.items():
        yield f"{what}, there and a word back", _beside(size)
    for what, (link, size) in LINKS.items():
        yield f"an emulated link of {what}, messages of {size / 1e3:g} kB", _exact(link, size)


def _beside(size: int) -> str:
    """Best of some rounds each, taken in turns, so that a neighbour disturbs all alike."""
    count = max(3, min(2000, 2 * 10**8 // (size + 20_000)))
    with tempfile.TemporaryDirectory() as folder:
        own = certificate.own(Path(folder))
        with _bare(size) as bare, _framed(size, None) as plain, _framed(size, own) as tls:
            ways = {"bare": bare, "frames": plain, "frames under TLS 1.3": tls}
            took = {name: _timed(each, count) for name, each in ways.items()}
            for _ in range(ROUNDS):
                took = {name: min(took[name], _timed(each, count)) for name, each in ways.items()}
    if size < 10**5:
        return ", ".join(f"{name} {1e6 * each:.0f} us" for name, each in took.items())
    told = [f"{name} {size / each / 1e6:,.0f} MB/s" + ("" if name == "bare" else f" ({took['bare'] / each:.2f} of bare)")
            for name, each in took.items()]
    return ", ".join(told)


def _timed(once: Callable[[], None], count: int) -> float:
    begun = time.perf_counter()
    for _ in range(count):
        once()
    return (time.perf_counter() - begun) / count


@contextmanager
def _bare(size: int) -> Iterator[Callable[[], None]]:
    """As many bytes as the frame has, `sendall` into `recv_into` of memory that is there already; a byte back."""
    packed = b"".join(frames.parts(_frame(size)))
    with (socket.create_server(("127.0.0.1", 0)) as door, _beside_us(_swallow, door.getsockname(), len(packed)),
          door.accept()[0] as there):
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def once() -> None:
            there.sendall(packed)
            there.recv(1)

        yield once


def _swallow(address: tuple[str, int], size: int) -> None:
    into = memoryview(bytearray(size))
    with socket.create_connection(address) as here:
        here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            at = 0
            while at < size:
                got = here.recv_into(into[at:])
                if not got:
                    return
                at += got
            here.sendall(b"!")


@contextmanager
def _framed(size: int, own: Certificate | None) -> Iterator[Callable[[], None]]:
    frame, pin = _frame(size), own.fingerprint if own else None
    with (Listener("127.0.0.1", 0, certificate=own, **SAID) as there, _beside_us(_answer, there.address, pin),
          there.accept() as wire):

        def once() -> None:
            wire.send(frame)
            wire.receive()

        yield once


def _answer(address: tuple[str, int], pin: str | None) -> None:
    with suppress(Ended), connect(address, pin=pin, **SAID) as wire:
        while wire.receive().kind == "image":
            wire.send(Frame("taken"))


@contextmanager
def _beside_us(do: Callable[..., None], *given: Any) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=do, args=given, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _frame(size: int) -> Frame:
    return Frame("image", {"number": 1}, {"x": np.random.default_rng(0).integers(0, 255, size, np.uint8)})


def _exact(link: Emulated, size: int) -> str:
    """Each message alone on the link, from before it is sent until it is whole on the other side."""
    frame = _frame(size)
    expected = link.seconds(frames.size(frame))
    with (Listener("127.0.0.1", 0, **SAID) as there, link.to(there.address) as relay, connect(relay.address, **SAID) as near,
          there.accept() as far):
        errors = [100 * (_through(near, far, frame) / expected - 1) for _ in range(15)]
    return (f"{1e3 * expected:.1f} ms expected; measured {statistics.median(errors):+.2f} % of it (median), "
            f"{min(errors):+.2f} to {max(errors):+.2f} %")


def _through(near: Wire, far: Wire, frame: Frame) -> float:
    sender = threading.Thread(target=near.send, args=(frame,))
    begun = time.perf_counter()
    sender.start()
    far.receive()
    took = time.perf_counter() - begun
    sender.join()
    return took
