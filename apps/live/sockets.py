"""The websocket of one stream: it says where it stands (`?after=`), and gets every row after that, in order, once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.urls import path

from apps.live.door import Pass
from apps.live.hub import hub
from apps.live.reading import BadPosition, position
from apps.live.rooms import HEARTBEAT_S, Room
from apps.live.wire import Wire, wired

log = logging.getLogger(__name__)
SEND_TIMEOUT_S = 10.0
CHATTER_PER_MINUTE = 100
BAD_POSITION, TOO_SLOW, BROKEN, CHATTERS = 4400, 4408, 1011, 1008


class StreamSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Sends frames {"type": "events", events, head}, and {"type": "head", head} as a heartbeat. Hears nothing."""

    # An alias that is not configured: the hub listens for the whole process, a socket needs no channel of its own.
    channel_layer_alias = "no channel per socket"
    room: Room | None = None
    wire: Wire | None = None
    # What goes on for this socket alone: reading on, or being shown out. A live one needs no task.
    task: asyncio.Task[None] | None = None
    heard, heard_since = 0, 0.0
    is_closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # A client may go while it is being answered; then nobody says `disconnect` any more.
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels would close database connections here, in another thread; a socket has none.
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        session_key = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")
        self.entry = Pass(session_key, self.scope["url_route"]["kwargs"]["stream_id"])
        head = await hub().door.head_for(self.entry)
        if head is None:
            await self._not_found()
            return
        await self.accept()
        try:
            self._enter(position(parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[0]), head)
        except BadPosition as bad:
            await self._say("error", code="bad_position", text=str(bad))
            await self.close(BAD_POSITION)

    def _enter(self, after: int, head: int) -> None:
        if after > head:
            raise BadPosition(f"after must be from 0 to {head}, the stream's head; got {after}")
        self.wire = self.scope.get("wire")
        if self.wire:
            hub().watch_over(self.wire)
        self.room = hub().enter(self.entry.stream_id, head)
        hub().door.let_in(self)
        self.fell_behind(after)

    async def disconnect(self, code: int) -> None:
        raise StopConsumer

    def _leave(self) -> None:
        self.is_closed = True
        if self.task:
            self.task.cancel()
        if self.room:
            self.room.live.pop(self, None)
            hub().door.let_out(self)
            hub().leave(self.room)
            self.room = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing a client says is acted upon; there is no dispatch from its text. One that goes on talking is closed."""
        if self.is_closed:
            return
        now = asyncio.get_running_loop().time()
        if now - self.heard_since > 60:
            self.heard, self.heard_since = 0, now
        self.heard += 1
        if self.heard > CHATTER_PER_MINUTE:
            await self.close(CHATTERS)
            return
        await self._say("error", code="not_understood", text="This socket only sends; open it again with ?after= to move.")

    # What the room and the door ask of a socket

    def line(self) -> Wire:
        assert self.wire
        return self.wire

    def fell_behind(self, position: int) -> None:
        self.task = asyncio.create_task(self._guarded(position))

    def show_out(self, code: int) -> None:
        if self.task:
            self.task.cancel()
        self.task = asyncio.create_task(self.close(code))

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Once; a client that is gone already is closed enough."""
        if self.is_closed:
            return
        self.is_closed = True
        if self.room:
            self.room.live.pop(self, None)
        with contextlib.suppress(OSError, RuntimeError):
            await super().close(code, reason)

    # Reading on

    async def _guarded(self, after: int) -> None:
        try:
            await (self._catch_up(after) if self.wire else self._carry(after))
        except TimeoutError:
            # The client does not read. It may come back with ?after= and miss nothing.
            await self.close(TOO_SLOW)
        except OSError:
            pass  # the client is gone
        except Exception:
            # The rows cannot be read now. A closed socket comes back by itself; a silent one would look alive.
            log.exception("Stream %s lost a socket", self.entry.stream_id)
            await self.close(BROKEN)

    async def _catch_up(self, after: int) -> None:
        """By the wire: read on until nothing is missing, then be one of the room's."""
        assert self.room and self.wire
        while self.wire.is_open and not self.room.join(self, after):
            page = await self.room.after(after)
            await self.wire.drained()
            if self.wire.write(page.wire):
                after = page.last

    async def _carry(self, after: int) -> None:
        """The portable way, under a server without a wire: each frame through ASGI, for as long as the socket lives."""
        assert self.room
        while True:
            try:
                page = await asyncio.wait_for(self.room.after(after), HEARTBEAT_S)
            except TimeoutError:
                await asyncio.wait_for(self._say("head", head=self.room.last), SEND_TIMEOUT_S)
                continue
            await asyncio.wait_for(self.send(text_data=page.frame), SEND_TIMEOUT_S)
            after = page.last

    async def _say(self, kind: str, **fields: Any) -> None:
        await self.send(text_data=json.dumps({"type": kind, **fields}))

    async def _not_found(self) -> None:
        """A stream that is not there, or not this person's: the same 404, before any handshake."""
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await super().close()
            return
        await self.base_send({"type": "websocket.http.response.start", "status": 404,
                              "headers": [(b"content-type", b"application/problem+json")]})
        await self.base_send({"type": "websocket.http.response.body", "body": b'{"title": "There is no such stream."}'})


routes = [path("ws/streams/<uuid:stream_id>/", StreamSocket.as_asgi())]
# Only our own pages may open a socket; the socket itself finds out whose session it is.
application = wired(AllowedHostsOriginValidator(CookieMiddleware(URLRouter(routes))))
