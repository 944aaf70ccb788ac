"""The knock: one message without content that says "there is more on this stream"; losing it loses nothing."""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import cache
from uuid import UUID

from channels.layers import get_channel_layer

log = logging.getLogger(__name__)


def group(stream_id: UUID) -> str:
    return f"stream.{stream_id.hex}"


def knock(stream_id: UUID) -> None:
    """Tell every web process that this stream grew. Never raises and never waits: the rows are already safe."""
    try:
        asyncio.run_coroutine_threadsafe(_send(stream_id), _loop())
    except Exception:
        log.exception("A knock for stream %s could not be sent", stream_id)


async def _send(stream_id: UUID) -> None:
    try:
        await asyncio.wait_for(get_channel_layer().group_send(group(stream_id), {"type": "knock", "stream": stream_id.hex}), 5)
    except Exception as error:
        log.warning("Knock on %s lost: %s", stream_id, error)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop in one thread for the life of the process, so that the layer keeps its connection between knocks."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="knock", daemon=True).start()
    return loop
