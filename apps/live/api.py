"""A stream's rows by polling: the same JSON as on the socket, from a position on."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, Field, JsonValue

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.live.models import Stream
from apps.live.reading import PAGE, BadPosition, position, row, rows_after

router = Router(tags=["streams"])


class EventOut(BaseModel):
    """One row: its number, when, what kind of saying, and what it says."""

    seq: int
    # As text, digit for digit what the socket says; a datetime would lose its microseconds on the way out.
    at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    type: str
    body: JsonValue


class Events(BaseModel):
    """Rows in order; the field more says that there are further ones right now."""

    events: list[EventOut]
    head: int
    more: bool


@router.get("/{uuid:stream}/events", response=Events)
def events(request: HttpRequest, response: HttpResponse, stream: UUID, after: str = "0") -> dict[str, Any]:
    """Rows after the number in after, at most 1,000 of them; ask again from the last one for more."""
    head = Stream.objects.visible_to(teams.person(request)).filter(pk=stream).values_list("head", flat=True).first()
    if head is None:
        raise Http404
    try:
        begin = position(after)
    except BadPosition as bad:
        raise Refused({"after": str(bad)}) from None
    response["Cache-Control"] = "no-store"
    rows = rows_after(stream, begin)
    return {"events": [row(event) for event in rows], "head": head, "more": len(rows) == PAGE}
