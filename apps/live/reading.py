"""Reading a stream from a position: the same rows, in the same JSON, for the socket and for the poll."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from apps.live.models import Event, Stream
from apps.live.wire import text_frame

PAGE = 1000
LARGEST = 2**63 - 1


class Page(NamedTuple):
    """Rows after a position, encoded, and the number of the last one; `wire` is the same as a websocket frame."""

    frame: str
    last: int
    wire: bytes = b""
    is_full: bool = False


class BadPosition(ValueError):
    """`after` is not a whole number between 0 and the largest sequence number."""


def position(text: str) -> int:
    """`?after=` as a number; BadPosition says what is allowed."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= LARGEST):
        raise BadPosition(f"after must be a whole number from 0 to {LARGEST}; got {text[:40]!r}")
    return int(text)


def row(event: Event) -> dict[str, Any]:
    return {"seq": event.seq, "at": event.at.isoformat().replace("+00:00", "Z"), "type": event.type, "body": event.body}


def rows_after(stream_id: UUID, after: int, limit: int = PAGE) -> list[Event]:
    return list(Event.objects.filter(stream_id=stream_id, seq__gt=after).order_by("seq")[:limit])


def page_after(stream_id: UUID, after: int) -> Page:
    """The next rows as one encoded frame; an empty frame text when there are none."""
    rows = rows_after(stream_id, after)
    if not rows:
        return Page("", after)
    last = rows[-1].seq
    frame = json.dumps({"type": "events", "events": [row(event) for event in rows], "head": last}, separators=(",", ":"))
    return Page(frame, last, text_frame(frame), len(rows) == PAGE)


def heads(stream_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How far these streams have come, in one query; one that is gone is missing."""
    return dict(Stream.objects.filter(pk__in=list(stream_ids)).values_list("pk", "head"))
