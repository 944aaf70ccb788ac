"""A socket that never waits longer than it was told, however few bytes come at a time, and that two threads may use at once.

The socket itself does not block: a time limit that is set on a socket holds for each call, for both directions, and starts anew
with every byte. Here each call is given the moment at which it must be over.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TypeVar

from worker.links.faults import Torn

Result = TypeVar("Result")
# Bytes of a record of TLS at most.
RECORD = 1 << 14


class Late(Exception):
    """The moment has come."""


class Channel:
    """Bytes both ways over a connected socket, with TLS or without."""

    def __init__(self, plain: socket.socket) -> None:
        plain.setblocking(False)
        if plain.family in (socket.AF_INET, socket.AF_INET6):
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket: socket.socket | ssl.SSLSocket = plain
        # OpenSSL takes one call at a time for a connection; no call here waits for the network.
        self._turn: AbstractContextManager[object] = nullcontext()

    def secure(self, context: ssl.SSLContext, *, is_server: bool, until: float) -> bytes | None:
        """Speak TLS from here on; the certificate of the other side, where it showed one."""
        with _as_torn():
            wrapped = context.wrap_socket(self._socket, server_side=is_server, do_handshake_on_connect=False)
        self._socket, self._turn = wrapped, threading.Lock()
        self._when_ready(wrapped.do_handshake, until, select.POLLIN)
        return wrapped.getpeercert(binary_form=True)

    def receive_into(self, into: memoryview, until: float) -> int:
        """Some bytes; 0 where the other side has ended the connection. Late at `until`."""
        return self._when_ready(lambda: self._socket.recv_into(into), until, select.POLLIN)

    def send(self, parts: Sequence[memoryview], until: float) -> int:
        """Some of these bytes, and how many. Late at `until`."""
        used = self._socket
        if isinstance(used, ssl.SSLSocket):
            record = _record(parts)
            return self._when_ready(lambda: used.send(record), until, select.POLLOUT)
        return self._when_ready(lambda: used.sendmsg(parts), until, select.POLLOUT)

    def close(self) -> None:
        """From any thread; whoever waits on it hears of it."""
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        with self._turn, suppress(OSError):
            self._socket.close()

    def _when_ready(self, act: Callable[[], Result], until: float, event: int) -> Result:
        """Once at least, however late it is."""
        while True:
            try:
                with self._turn, _as_torn():
                    return act()
            except ssl.SSLWantReadError:
                wanted = select.POLLIN
            except ssl.SSLWantWriteError:
                wanted = select.POLLOUT
            except (BlockingIOError, InterruptedError):
                wanted = event
            self._wait(wanted, until)

    def _wait(self, event: int, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise Late
        poll = select.poll()
        with _as_torn():
            poll.register(self._socket, event)
            poll.poll(min(left, 3600.0) * 1000)


def _record(parts: Sequence[memoryview]) -> memoryview | bytes:
    """What goes into one call of TLS: small parts together, a large one as it is."""
    at = small = 0
    while at < len(parts) and small + parts[at].nbytes <= RECORD:
        small += parts[at].nbytes
        at += 1
    return b"".join(parts[:at]) if at > 1 else parts[0]


class _as_torn:  # noqa: N801
    """The system's faults as ours; that something is not ready yet is none."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BlockingIOError | InterruptedError | ssl.SSLWantReadError | ssl.SSLWantWriteError):
            return
        if isinstance(error, ssl.SSLError):
            raise Torn(f"TLS with the other side failed: {error.reason or 'it ended the connection'}.") from None
        if isinstance(error, OSError | ValueError):
            raise Torn(f"The connection was lost: {error}.") from None
