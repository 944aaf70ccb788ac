"""Folded networks and slices for programs: ask, look until it is ready, take the files."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field

from apps.accounts import teams
from apps.accounts.wire import BINARY, Asked, Told
from apps.catalog import derived
from apps.catalog.derived_pages import taken
from apps.catalog.models import DerivedFile, Variant
from worker.structure import Parity

router = Router()
State = Literal["being made", "ready", "refused"]


class DerivedIn(Asked):
    kind: Literal["folded", "slices"] = Field(description="folded: batch-norm as a part of the layer before it. slices: head and "
                                                          "tail of a cut.")
    after: str = Field("", max_length=derived.LONGEST_LAYER, description="For slices: the layer behind which it is cut.")


class DerivedPart(Told):
    part: Literal["folded", "head", "tail"]
    sha256: str
    size_bytes: int
    in_shape: list[int]
    out_shape: list[int]
    params: int
    macs: int
    parity: Parity = Field(description="How far ONNX Runtime's answers are from the network's.")


class DerivedOut(Told):
    id: UUID
    variant: UUID
    kind: str
    after: str
    state: State
    why: str = Field(description="Why it could not be made.")
    asked: datetime
    parts: list[DerivedPart]
    parity: Parity | None = Field(description="Of head and tail in turn against the whole network.")


def _out(made: DerivedFile) -> DerivedOut:
    state: State = "refused" if made.why else "ready" if made.made else "being made"
    parts = [DerivedPart.model_validate({**each.about, "sha256": each.blob_id}) for each in derived.parts(made)]
    return DerivedOut(id=made.pk, variant=made.variant_id, kind=made.kind, after=made.after, state=state, why=made.why,
                   asked=made.asked, parts=parts, parity=made.about.get("parity"))


@router.get("/variants/{uuid:variant}/files", response=list[DerivedOut], tags=["models"])
def list_variant_files(request: HttpRequest, variant: UUID) -> list[DerivedOut]:
    """The folded networks and slices that were asked for; few, so there are no pages."""
    return [_out(each) for each in derived.of(_seen(request, variant))]


@router.post("/variants/{uuid:variant}/files", response={200: DerivedOut, 202: DerivedOut}, tags=["models"])
def make_variant_files(request: HttpRequest, variant: UUID, asked: DerivedIn) -> Status[Any]:
    """Have a folded network or slices made. 202 while that goes on: look again at it by its id. 200 when they are there."""
    found = get_object_or_404(Variant.objects.editable_by(teams.person(request)), pk=variant)
    made = derived.ask(teams.person(request), found, asked.kind, asked.after)
    return Status(200 if made.made else 202, _out(made))


@router.get("/variants/{uuid:variant}/files/{uuid:derived_file}", response={200: DerivedOut, 202: DerivedOut}, tags=["models"])
def get_variant_files(request: HttpRequest, variant: UUID, derived_file: UUID) -> Status[Any]:
    """One of them. 202 while it is being made: ask again in a second."""
    made = _made(request, variant, derived_file)
    derived.remind(made)
    return Status(202 if made.is_waiting else 200, _out(made))


@router.get("/variants/{uuid:variant}/files/{uuid:derived_file}/{part}.onnx", response=bytes, tags=["models"],
            openapi_extra=BINARY)
def get_variant_files_part(request: HttpRequest, variant: UUID, derived_file: UUID,
                           part: Literal["folded", "head", "tail"]) -> FileResponse:
    """The file itself. 404 for a part that it does not have, or not yet."""
    return taken(_seen(request, variant), _made(request, variant, derived_file), part)


def _seen(request: HttpRequest, pk: UUID) -> Variant:
    rows = Variant.objects.visible_to(teams.person(request)).select_related("model")
    found: Variant = get_object_or_404(rows, pk=pk)
    return found


def _made(request: HttpRequest, variant: UUID, pk: UUID) -> DerivedFile:
    rows = DerivedFile.objects.visible_to(teams.person(request)).filter(variant=variant)
    found: DerivedFile = get_object_or_404(rows, pk=pk)
    return found
