"""What boards bring to the portal and fetch there where one takes no connections from the other."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from apps.accounts.wire import BINARY, Told
from apps.devices.boards.bearer import ByAgent
from apps.devices.boards.unwelcome import Unwelcome
from apps.experiments import relaying
from apps.experiments.boards_api import BYTES

router = Router(tags=["agents"], auth=ByAgent())
CALLS, PIECES = "/hostings/{uuid:hosting}/relay/calls", "/hostings/{uuid:hosting}/relay/{int:call}/{int:number}"


class CallOut(Told):
    call: int


@router.post(CALLS, response=CallOut)
def make_call_as_board(request: HttpRequest, hosting: UUID) -> CallOut:
    """A new connection to a slice, for the board of the part before it."""
    return CallOut(call=relaying.call(_end(request, hosting)))


@router.get(CALLS + "/{int:after}", response=CallOut)
def get_call_as_board(request: HttpRequest, hosting: UUID, after: int) -> CallOut:
    """The newest call, as soon as it is another one; the same after a while without."""
    return CallOut(call=relaying.called(_end(request, hosting), after))


@router.put(PIECES, response={204: None}, openapi_extra=BYTES)
def put_piece_as_board(request: HttpRequest, hosting: UUID, call: int, number: int) -> Status[None]:
    """The next bytes of this side; none at all end its way. The same number again changes nothing."""
    piece = request.body
    if len(piece) > relaying.MOST_PIECE_BYTES:
        raise Unwelcome(413, "The piece is too large.", limit=relaying.MOST_PIECE_BYTES)
    relaying.put(_end(request, hosting), call, number, piece)
    return Status(204, None)


@router.get(PIECES, response={200: bytes, 204: None}, openapi_extra=BINARY)
def get_piece_as_board(request: HttpRequest, hosting: UUID, call: int, number: int) -> Any:
    """The bytes of this number that the other side said, or 204 while there are none."""
    piece = relaying.get(_end(request, hosting), call, number)
    return HttpResponse(piece, content_type="application/octet-stream") if piece is not None else Status(204, None)


def _end(request: HttpRequest, hosting: UUID) -> relaying.End:
    return relaying.end_of(request.auth, hosting, request.headers.get("X-EdgePortal-Run-Token", ""))  # type: ignore[attr-defined]
