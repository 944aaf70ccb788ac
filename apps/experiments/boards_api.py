"""What boards work on: an agent takes a run, fetches its files, sends what it measures; see `apps.devices.agents_api`."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from ninja import Router, Status
from pydantic import Field

from apps.accounts.wire import BINARY, Asked, Told
from apps.catalog import blobs
from apps.catalog.views import Download, attachment
from apps.devices.boards import crowd
from apps.devices.boards.bearer import ByAgent
from apps.devices.boards.unwelcome import Unwelcome
from apps.devices.models import Agent
from apps.experiments import board_files, board_leases, boards, hostings
from apps.experiments.hostings_wire import HostingOut, OrderedFile, told
from apps.experiments.models import BoardFile, Run

router = Router(tags=["agents"], auth=ByAgent())
CHUNK = 1 << 16
SHA256 = re.compile(r"[0-9a-f]{64}")
REST = re.compile(r"bytes=(\d{1,15})-")
EVENTS: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": {
    "type": "object", "required": ["lease", "batch", "events"], "additionalProperties": False, "properties": {
        "lease": {"type": "integer", "minimum": 0}, "batch": {"type": "integer", "minimum": 0},
        "events": {"type": "array", "items": {"type": "object"}}}}}}}}
BYTES: dict[str, Any] = {"requestBody": {"required": True, "content": {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


class ClaimIn(Asked):
    request: UUID = Field(description="Drawn for this request; sent again, it gets the same answer.")


class OrderOut(Told):
    facts: dict[str, Any]
    files: list[OrderedFile]


class ClaimOut(Told):
    run: UUID
    number: int
    recipe: str
    params: dict[str, Any]
    order: OrderOut
    token: int = Field(description="The lease: sent with everything that is said of the run.")
    attempt: int
    lease_s: float = Field(description="After so many seconds without a word the run goes back to its queue.")
    device: str
    hosted: bool = Field(False, description="Parts of it stand on other boards; ask where before it begins.")


class LeaseIn(Asked):
    lease: int = Field(ge=0, le=2**62)


class HeardOut(Told):
    cancel: bool = Field(description="Somebody asked the run to stop.")
    live: dict[str, Any] = Field(description="Parameters that a person changed since.")
    batch: int = Field(description="The last batch that is kept.")


class FileOut(Told):
    path: str
    sha256: str = Field(validation_alias="blob_id")


@router.post("/claim", response={200: ClaimOut, 202: HostingOut, 204: None})
def claim_as_board(request: HttpRequest, asked: ClaimIn, response: HttpResponse) -> Any:
    """The next run for this board, 202 with a slice that it is to keep for the run of another, or 204 with how long to wait.

    The same request gets the same again.
    """
    agent = _agent(request)
    crowd.make_room(agent)
    if agent.can_host and (kept := hostings.take(agent, asked.request)):
        return Status(202, told(kept))
    run = board_leases.claim(agent, asked.request)
    if run is None:
        response["Retry-After"] = str(max(1, round(crowd.poll_s())))
        return Status(204, None)
    return Status(200, _told(run))


@router.get("/runs/{uuid:run}/files/{sha256}", response=bytes, openapi_extra=BINARY)
def get_file_as_board(request: HttpRequest, run: UUID, sha256: str) -> FileResponse:
    """A file of the order of a run that this board holds; with `Range: bytes=N-`, what a cut download lacks."""
    found = board_files.ordered(_agent(request), run, sha256) if SHA256.fullmatch(sha256) else None
    if found is None:
        raise Http404
    return sent(request, found)


def sent(request: HttpRequest, found: BoardFile) -> FileResponse:
    """The file, or what a cut download lacks of it."""
    size, asked = found.blob.size_bytes, REST.fullmatch(request.headers.get("Range", ""))
    begin = int(asked[1]) if asked else 0
    if not 0 < begin < size:
        return attachment(found.blob_id, found.path.rpartition("/")[2])
    answer = Download(board_files.Rest(blobs.open(found.blob_id), begin), as_attachment=True, status=206,
                      content_type="application/octet-stream")
    answer["Content-Length"], answer["Content-Range"] = str(size - begin), f"bytes {begin}-{size - 1}/{size}"
    return answer


@router.put("/runs/{uuid:run}/outputs/{path:path}", response=FileOut, openapi_extra=BYTES)
def put_output_as_board(request: HttpRequest, run: UUID, path: str) -> BoardFile:
    """A result file, before the event that names it. The same bytes again change nothing."""
    sha256 = request.headers.get("X-EdgePortal-SHA256", "")
    if not SHA256.fullmatch(sha256):
        raise Unwelcome(422, "X-EdgePortal-SHA256 must be the SHA-256 of the body.", field="X-EdgePortal-SHA256")
    with tempfile.NamedTemporaryFile(prefix="edgeportal-") as piece:
        taken = 0
        while chunk := request.read(CHUNK):
            taken += len(chunk)
            if taken > settings.BODY_LIMIT_BYTES:
                raise Unwelcome(413, "The file is too large.", limit=settings.BODY_LIMIT_BYTES)
            piece.write(chunk)
        piece.flush()
        return board_files.receive(_agent(request), run, _lease(request), path, sha256, Path(piece.name))


@router.post("/runs/{uuid:run}/events", response=HeardOut, openapi_extra=EVENTS)
def say_events_as_board(request: HttpRequest, run: UUID) -> HeardOut:
    """One batch of what the run says; one that was kept before changes nothing. No events at all prolong the lease."""
    said = _said(request)
    return HeardOut.model_validate(boards.hear(_agent(request), run, said["lease"], said["batch"], said["events"]))


@router.post("/runs/{uuid:run}/release", response={204: None})
def release_as_board(request: HttpRequest, run: UUID, asked: LeaseIn) -> Status[None]:
    """Give the run back, as an agent does that is stopped; the attempt does not count."""
    board_leases.release(_agent(request), run, asked.lease)
    return Status(204, None)


def _agent(request: HttpRequest) -> Agent:
    agent: Agent = request.auth  # type: ignore[attr-defined]
    return agent


def _told(run: Run) -> ClaimOut:
    order = run.order or {}
    files = [OrderedFile(**each, url=f"/api/agent/runs/{run.pk}/files/{each['sha256']}") for each in order["files"]]
    return ClaimOut(run=run.pk, number=run.number, recipe=order["recipe"], params=order["params"],
                    order=OrderOut(facts=order["facts"], files=files), token=run.token, attempt=run.attempt,
                    lease_s=settings.BOARD_LEASE_S, device=run.board.name if run.board else "",
                    hosted=bool(hostings.places(run)))


def _lease(request: HttpRequest) -> int:
    said = request.headers.get("X-EdgePortal-Lease", "")
    if not (said.isascii() and said.isdigit() and len(said) < 19):
        raise Unwelcome(422, "X-EdgePortal-Lease must be the token that came with the run.", field="X-EdgePortal-Lease")
    return int(said)


def _said(request: HttpRequest) -> dict[str, Any]:
    """The body, read here: NaN and the like are to be kept as rejected, not turned away as no JSON."""
    try:
        said = json.loads(request.body.decode())
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Unwelcome(400, "The body is not JSON.") from None
    if not isinstance(said, dict) or set(said) != {"lease", "batch", "events"}:
        raise Unwelcome(422, "Send lease, batch and events, and nothing else.")
    for name in ("lease", "batch"):
        if type(said[name]) is not int or not 0 <= said[name] < 2**31:
            raise Unwelcome(422, f"{name} must be a whole number.", field=name)
    return said
