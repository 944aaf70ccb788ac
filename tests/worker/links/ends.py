"""Two ends of a connection, and frames as nobody honest writes them."""

from __future__ import annotations

import io
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from worker.links import frames
from worker.links.talking import Wire

MOST_BYTES, PATIENCE_S = 10**8, 20.0


def packed(frame: frames.Frame) -> bytes:
    return b"".join(frames.parts(frame))


def unpacked(packed: bytes, most_bytes: int = MOST_BYTES) -> frames.Frame:
    return frames.read(io.BytesIO(packed), most_bytes)


def forged(facts: bytes = b"{}", body: bytes = b"", *, kind: bytes = b"image", version: int = frames.VERSION,
           facts_bytes: int = -1, body_bytes: int = -1) -> bytes:
    """A frame with right checksums, whatever it says."""
    lengths = (len(facts) if facts_bytes < 0 else facts_bytes), (len(body) if body_bytes < 0 else body_bytes)
    head = frames.HEAD.pack(frames.MAGIC, version, kind, lengths[0], zlib.crc32(facts), lengths[1])
    return head + frames.SEAL.pack(zlib.crc32(head)) + facts + body + frames.SEAL.pack(zlib.crc32(body))


@contextmanager
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a real TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        near = socket.create_connection(door.getsockname())
        far, _ = door.accept()
    with near, far:
        yield near, far


@contextmanager
def wires(patience_s: float = PATIENCE_S, most_bytes: int = MOST_BYTES) -> Iterator[tuple[Wire, Wire]]:
    with sockets() as (near, far), Wire(near, most_bytes, patience_s) as one, Wire(far, most_bytes, patience_s) as other:
        yield one, other


@contextmanager
def beside(do: Callable[[], Any]) -> Iterator[None]:
    """Something that goes on in a thread meanwhile; what it raised is raised at the end."""
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            do()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    yield
    thread.join(300)
    assert not thread.is_alive(), "it still goes on"
    if raised:
        raise raised[0]
