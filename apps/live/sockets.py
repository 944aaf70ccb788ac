"""The websocket of one stream: it says where it stands (`?after=`), and gets every row after that, in order, once."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.sessions.backends.db import SessionStore
from django.urls import path

from apps.live.hub import HEARTBEAT_S, Room, hub
from apps.live.models import Stream
from apps.live.reading import BadPosition, position

log = logging.getLogger(__name__)
SEND_TIMEOUT_S = 10.0
REVALIDATE_S = 60.0
BAD_POSITION, TOO_SLOW, GONE, BROKEN = 4400, 4408, 4404, 1011


class StreamSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Sends frames {"type": "events", events, head}, and {"type": "head", head} as a heartbeat. Hears nothing."""

    # An alias that is not configured: the hub listens for the whole process, a socket needs no channel of its own.
    channel_layer_alias = "no channel per socket"
    pump: asyncio.Task[None] | None = None
    room: Room | None = None

    async def connect(self) -> None:
        self.stream_id: UUID = self.scope["url_route"]["kwargs"]["stream_id"]
        try:
            after = position(parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[0])
        except BadPosition as bad:
            await self._refuse(BAD_POSITION, "bad_position", str(bad))
            return
        head = await self._visible_head()
        if head is None:
            await self._not_found()
            return
        await self.accept()
        if after > head:
            text = f"after must be from 0 to {head}, the stream's head; got {after}"
            await self._say("error", code="bad_position", text=text)
            await self.close(BAD_POSITION)
            return
        self.room = hub().enter(self.stream_id, head)
        self.pump = asyncio.create_task(self._pump(after))

    async def disconnect(self, code: int) -> None:
        if self.pump:
            self.pump.cancel()
        if self.room:
            hub().leave(self.room)
            self.room = None
        raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing a client says is acted upon; there is no dispatch from its text."""
        await self._say("error", code="not_understood", text="This socket only sends; open it again with ?after= to move.")

    async def _pump(self, after: int) -> None:
        clock = asyncio.get_running_loop().time
        checked = clock()
        try:
            while True:
                after = await self._next(after)
                if clock() - checked > REVALIDATE_S:
                    if not await self._still_welcome():
                        await self.close(GONE)
                        return
                    checked = clock()
        except TimeoutError:
            # The client does not read. It may come back with ?after= and miss nothing.
            await self.close(TOO_SLOW)
        except Exception:
            # The rows cannot be read now. A closed socket comes back by itself; a silent one would look alive.
            log.exception("Stream %s lost a socket", self.stream_id)
            await self.close(BROKEN)

    async def _next(self, after: int) -> int:
        """Send what comes after `after`, or a heartbeat when nothing comes; TimeoutError when the client does not read."""
        assert self.room
        try:
            page = await asyncio.wait_for(self.room.after(after), HEARTBEAT_S)
        except TimeoutError:
            await asyncio.wait_for(self._say("head", head=self.room.last), SEND_TIMEOUT_S)
            return after
        await asyncio.wait_for(self.send(text_data=page.frame), SEND_TIMEOUT_S)
        return page.last

    async def _still_welcome(self) -> bool:
        """Ask again who this is: the session may have ended, the person may have left the team or the house."""
        session = self.scope["session"]
        fresh = await database_sync_to_async(lambda: SessionStore(session.session_key))()
        self.scope["user"] = await get_user({"session": fresh})
        return await self._visible_head() is not None

    async def _visible_head(self) -> int | None:
        user = self.scope["user"]
        found = Stream.objects.visible_to(user).filter(pk=self.stream_id).values_list("head", flat=True)
        head: int | None = await database_sync_to_async(found.first)()
        return head

    async def _say(self, kind: str, **fields: Any) -> None:
        await self.send(text_data=json.dumps({"type": kind, **fields}))

    async def _refuse(self, code: int, word: str, text: str) -> None:
        await self.accept()
        await self._say("error", code=word, text=text)
        await self.close(code)

    async def _not_found(self) -> None:
        """A stream that is not there, or not this person's: the same 404, before any handshake."""
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.close()
            return
        await self.base_send({"type": "websocket.http.response.start", "status": 404,
                              "headers": [(b"content-type", b"application/problem+json")]})
        await self.base_send({"type": "websocket.http.response.body", "body": b'{"title": "There is no such stream."}'})


routes = [path("ws/streams/<uuid:stream_id>/", StreamSocket.as_asgi())]
