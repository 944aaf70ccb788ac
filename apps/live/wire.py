"""The line to one client: a frame that was encoded once is written straight to the server's transport.

Sending through ASGI encodes and waits for every client by itself. Under uvicorn (its sans-I/O protocol, the one we start) the
transport can be had; under any other server there is no wire, and frames go the portable way.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Asgi = Callable[[Any, Any, Any], Awaitable[None]]
UVICORN = "uvicorn.protocols.websockets.websockets_sansio_impl"
STUCK_S = 6.0
CLOSING_S = 0.4
# Longer than the time between two looks, so that one of them falls into it.
PING_MARGIN_S = 0.8
TEXT = 0x81


def text_frame(text: str) -> bytes:
    """A whole websocket text message as a server sends it (RFC 6455, section 5.2): unmasked, in one frame."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", TEXT, size) + payload
    if size < 65536:
        return struct.pack("!BBH", TEXT, 126, size) + payload
    return struct.pack("!BBQ", TEXT, 127, size) + payload


class Wire:
    """One connection of uvicorn's. Nothing here waits but `drained`, and nothing raises."""

    __slots__ = ("_flushed", "_is_cut", "_moved_at", "_written", "protocol", "transport")

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.transport = protocol.transport
        self._written = self._flushed = 0
        self._moved_at = 0.0
        self._is_cut = False

    @property
    def is_open(self) -> bool:
        return not (self._is_cut or self.protocol.disconnected or self.protocol.close_sent or self.transport.is_closing())

    def write(self, frame: bytes) -> bool:
        """False when this client did not get it: it is behind (more than 64 kB wait for it) or gone."""
        protocol, transport = self.protocol, self.transport
        if protocol.close_sent or transport.is_closing() or not protocol.writable.is_set():
            return False
        try:
            transport.write(frame)
        except Exception:
            self.cut()
            return False
        self._written += len(frame)
        return True

    async def drained(self) -> None:
        """Wait until the client has read what waits for it, or is gone; the watch ends it when it never reads."""
        await self.protocol.writable.wait()

    def watch(self, now: float) -> bool:
        """False when the connection is no more. One whose bytes stand still is cut: it may come back with ?after=."""
        if self.protocol.disconnected:
            return False
        try:
            waiting = self.transport.get_write_buffer_size()
        except Exception:
            return False
        flushed = self._written - waiting
        if not waiting or flushed > self._flushed or not self._moved_at:
            self._moved_at = now
        self._flushed = flushed
        # A connection that is being closed waits for its bytes to leave, which they never do when nobody reads.
        patience = CLOSING_S if self.transport.is_closing() or self.protocol.close_sent else STUCK_S
        if (waiting and now - self._moved_at > patience) or self._is_deaf(now):
            self.cut()
        return True

    def _is_deaf(self, now: float) -> bool:
        """It leaves a ping unanswered, up to just before the server's own patience ends.

        The server would close it politely: its last words and all that waits would stay in the kernel, for minutes.
        """
        protocol = self.protocol
        return protocol.pong_timer is not None and now - protocol.ping_sent_at > protocol.ping_timeout - PING_MARGIN_S

    def cut(self) -> None:
        """End it now and forget what waits in the kernel too (megabytes for one that does not read)."""
        self._is_cut = True
        with contextlib.suppress(Exception):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(Exception):
            self.transport.abort()


def wire_of(send: Any) -> Wire | None:
    """The wire behind an ASGI `send`, when the server is one whose transport can be written to."""
    module = sys.modules.get(UVICORN)
    protocol = getattr(send, "__self__", None)
    return Wire(protocol) if module and isinstance(protocol, module.WebSocketsSansIOProtocol) else None


def wired(application: Asgi) -> Asgi:
    """Middleware, the outermost: put the wire into the scope, before anybody wraps `send`."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "wire": wire_of(send)}, receive, send)

    return call
