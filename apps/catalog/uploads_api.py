"""Uploads: start one, send its parts in order, finish; cut off, go on where `received_bytes` says. The pages do the same."""

from __future__ import annotations

import tempfile
from datetime import datetime
from typing import IO, Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts import teams
from apps.accounts.wire import Asked, Listing, Page, Told, paged, team_of
from apps.catalog import uploading
from apps.catalog.models import Upload, UploadState
from apps.catalog.uploading import OutOfPlace, TooLarge
from apps.live.problems import problem

router = Router()
CHUNK = 1 << 16
IN_MEMORY = 1 << 18
BYTES: dict[str, Any] = {"requestBody": {"required": True, "content": {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
NAME = Field(min_length=1, max_length=1000, description="What the file is called; for display only.")
OPTIONS: Any = Field(default_factory=dict, max_length=20, description=(
    "name, description; in_shape of pictures that are to be brought to one size; footage (width, height, frames a second) of "
    "recorded detections without seqinfo.ini; of a model also: model (the id of the one it is "
    "a variant of), architecture (of a state_dict, or of bare tensors), classes, in_shape (channels, height, width). What is "
    "left out is found out where it can be."))


class UploadIn(Asked):
    kind: Literal["model", "dataset"]
    name: str = NAME
    size_bytes: int = Field(ge=0, le=2**62)
    options: dict[str, Any] = OPTIONS
    fingerprint: str = Field("", max_length=100, pattern=r"^[A-Za-z0-9_.:-]*$",
                             description="Names the same file again: an unfinished upload of it is gone on with.")
    team: UUID | None = Field(None, description="To this team; without it, the token's or the session's.")


class OptionsIn(Asked):
    options: dict[str, Any] = OPTIONS


class UploadOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    kind: str
    name: str = Field(validation_alias="file_name")
    size_bytes: int
    received_bytes: int
    part_bytes: int = Field(description="The most that one part may have.")
    state: UploadState
    steps: list[dict[str, Any]] = Field(description="What the inspection did so far.")
    why: str = Field(description="Why it was refused, in one sentence.")
    mend: str = Field(description="What would help a refused file: architecture, in_shape, classes, model or footage.")
    findings: dict[str, Any] = Field(description=(
        "Of tensors that do not fit: how many are missing, unexpected and of another shape, and up to 200 of them. "
        "Of a network that is ready: how far ONNX Runtime's answers were from it, and what its owner should know. "
        "Of a data set on its way: what its beginning looks like (`seen`); of pictures of several sizes, the usual `in_shape`."))
    options: dict[str, Any]
    sha256: str
    model: UUID | None = Field(validation_alias="model_id")
    variant: UUID | None = Field(validation_alias="variant_id")
    dataset: UUID | None = Field(validation_alias="dataset_id")
    created: datetime


class Place(Asked):
    offset: int = Field(ge=0, le=2**62, description="Where in the file this part begins.")


class Uploads(Listing):
    kind: Literal["model", "dataset"] | None = None
    state: UploadState | None = None


@router.post("/uploads", response={200: UploadOut, 201: UploadOut}, tags=["uploads"])
def start_upload(request: HttpRequest, asked: UploadIn) -> Status[Any]:
    """Start an upload, or go on with the unfinished one of the same file (200): send from `received_bytes` on."""
    team = team_of(request, asked.team)
    user = teams.person(request)
    if not teams.may_edit(user, team):
        raise HttpError(403, "Your role, or the token's, does not allow to upload.")
    found, is_new = uploading.start(user, team, asked.kind, asked.name, asked.size_bytes, asked.options,
                                    asked.fingerprint)
    return Status(201 if is_new else 200, told(found))


@router.get("/uploads", response=Page[UploadOut], tags=["uploads"])
def list_uploads(request: HttpRequest, asked: Annotated[Uploads, Query()]) -> dict[str, Any]:
    """The team's uploads, the newest first."""
    rows = Upload.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team))
    rows = rows.filter(kind=asked.kind) if asked.kind else rows
    rows = rows.filter(state=asked.state) if asked.state else rows
    rows = rows.filter(file_name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(rows, asked, lambda found: [told(each) for each in found])


@router.get("/uploads/{uuid:upload}", response=UploadOut, tags=["uploads"])
def get_upload(request: HttpRequest, upload: UUID) -> Upload:
    """Where it stands: receiving, checking, ready or refused."""
    return told(get_object_or_404(Upload.objects.visible_to(teams.person(request)), pk=upload))


@router.put("/uploads/{uuid:upload}/parts", response=UploadOut, tags=["uploads"], openapi_extra=BYTES)
def put_upload_part(request: HttpRequest, upload: UUID, place: Annotated[Place, Query()]) -> Any:
    """The bytes from `offset` on, at most `part_bytes` of them. One that is here already is acknowledged; a gap is a 409."""
    found = editable(request, upload)
    try:
        if uploading.expects(found, place.offset, _declared(request)):
            with _spooled(request) as piece:
                found = uploading.accept(found, place.offset, piece)
    except OutOfPlace as error:
        return problem(409, str(error), errors=error.errors, received_bytes=found.received_bytes, state=found.state)
    return told(found)


@router.post("/uploads/{uuid:upload}/finish", response=UploadOut, tags=["uploads"])
def finish_upload(request: HttpRequest, upload: UUID) -> Upload:
    """All parts are here: have it checked. Asked again, the answer is the same."""
    return told(uploading.finish(teams.person(request), editable(request, upload)))


@router.post("/uploads/{uuid:upload}/again", response=UploadOut, tags=["uploads"])
def check_upload_again(request: HttpRequest, upload: UUID, asked: OptionsIn) -> Upload:
    """Check a refused file that is still here with other options, for instance another architecture."""
    return told(uploading.again(teams.person(request), editable(request, upload), asked.options))


@router.delete("/uploads/{uuid:upload}", response={204: None}, tags=["uploads"])
def abandon_upload(request: HttpRequest, upload: UUID) -> Status[Any]:
    """Forget an upload that has not ended well, and its bytes."""
    uploading.abandon(teams.person(request), editable(request, upload))
    return Status(204, None)


def editable(request: HttpRequest, pk: UUID) -> Upload:
    rows = Upload.objects.editable_by(teams.person(request)).select_related("team")
    found: Upload = get_object_or_404(rows, pk=pk)
    return found


def told(upload: Upload) -> Upload:
    upload.part_bytes = settings.UPLOAD_PART_BYTES  # type: ignore[attr-defined]
    return upload


def _declared(request: HttpRequest) -> int | None:
    length = request.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def _spooled(request: HttpRequest) -> IO[bytes]:
    """The body, read piece by piece into a file: `request.body` would hold all of it in memory."""
    piece: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  its user closes it
    taken = 0
    while chunk := request.read(CHUNK):
        taken += len(chunk)
        if taken > settings.UPLOAD_PART_BYTES:
            most = settings.UPLOAD_PART_BYTES
            raise TooLarge(f"A part may have {most:,} bytes; this one has more.", most, taken)
        piece.write(chunk)
    return piece
