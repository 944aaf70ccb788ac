"""Reading a stream from a position: the same rows, in the same JSON, for the socket and for the poll."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from uuid import UUID

from apps.live.models import Event

PAGE = 1000
LARGEST = 2**63 - 1


class Page(NamedTuple):
    """Rows after a position, encoded, and the number of the last one."""

    frame: str
    last: int


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
    frame = {"type": "events", "events": [row(event) for event in rows], "head": last}
    return Page(json.dumps(frame, separators=(",", ":")), last)
