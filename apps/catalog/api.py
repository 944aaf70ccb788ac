"""Models, variants and data sets: lists, details, files."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts import teams
from apps.accounts.models import TeamQuerySet
from apps.accounts.wire import BINARY, Asked, Listing, Page, Told, editable_team, ordered, paged, team_of
from apps.catalog import actions, fresh, structures
from apps.catalog.models import IMAGES, RECORDINGS, Dataset, Precision, RegisteredModel, Variant
from apps.catalog.uploads_api import UploadOut
from apps.catalog.uploads_api import told as told_upload
from apps.catalog.views import dataset_file as dataset_attachment
from apps.catalog.views import variant_file as variant_attachment
from worker.structure import Difference, Structure, difference

router = Router()


class ModelOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    name: str
    task: str
    description: str
    in_shape: list[int]
    classes: int
    created: datetime


class ModelRow(ModelOut):
    variants: int = Field(validation_alias="variant_count")
    smallest_bytes: int | None
    largest_bytes: int | None
    most_params: int | None


class VariantOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    model: UUID = Field(validation_alias="model_id")
    parent: UUID | None = Field(validation_alias="parent_id")
    made_by: UUID | None = Field(description="The run that made it.")
    name: str
    precision: str
    size_bytes: int
    params: int
    macs: int
    activation_bytes: int
    sha256: str = Field(validation_alias="file_id", description="Of the safetensors file, or of the ONNX file of fp16 and int8.")
    onnx_sha256: str | None = Field(validation_alias="onnx_id")
    created: datetime


class RecordedOut(Told):
    frames: int
    fps: float
    width: int
    height: int
    detectors: dict[str, int] = Field(description="Boxes over all frames, by detector.")
    truth: int | None = Field(description="Boxes of the truth; nothing where it did not come with them.")


class DatasetOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    name: str
    description: str
    in_shape: list[int]
    classes: int
    labels: list[str]
    counts: dict[str, int]
    recorded: RecordedOut | None = Field(description="Of recorded detections; these have no images, classes and counts.")
    sha256: str = Field(validation_alias="file_id")
    created: datetime


class Crossing(Asked):
    most_tensors: int = Field(1, ge=1, le=8, description="Also tell cuts that up to so many results go across.")


class Waiting(Told):
    state: Literal["being described"] = "being described"


class Change(Asked):
    """What is left out stays as it is."""

    name: str | None = Field(None, min_length=1, max_length=120)
    description: str | None = Field(None, max_length=2000)


class NewName(Asked):
    name: str = Field(min_length=1, max_length=120)


class NetworkIn(Asked):
    architecture: str = Field(max_length=80, description="One of the house, as resnet20.")
    dataset: UUID | None = Field(None, description="For its images and classes; else say in_shape and classes.")
    in_shape: tuple[int, int, int] | None = Field(None, description="Channels, height and width of one image.")
    classes: int | None = None
    width: float = Field(fresh.WIDTH, description="Times the channels of every layer; more than 0, at most 4.")
    seed: int = Field(fresh.SEED, description="The same seed draws the same weights.")
    name: str = Field("", max_length=fresh.LONGEST_NAME, description="After the architecture and the data set when empty.")
    team: UUID | None = Field(None, description="In this team; without it, the token's or the session's.")


class Models(Listing):
    task: str = Field("", max_length=60)
    order: str = Field("name", description="name, created or classes; - before it for descending.")


class Variants(Listing):
    model: UUID | None = Field(None, description="Only those of this model.")
    precision: Precision | None = None
    made_by: UUID | None = Field(None, description="Only those that this run made.")
    order: str = Field("created", description="created, name, size_bytes, params or macs; - before it for descending.")


class Datasets(Listing):
    holds: Literal["", "images", "recordings"] = Field("", description="Only images with labels, or only recorded detections.")
    order: str = Field("name", description="name, created or classes; - before it for descending.")


@router.get("/models", response=Page[ModelRow], tags=["models"])
def list_models(request: HttpRequest, asked: Annotated[Models, Query()]) -> dict[str, Any]:
    """The team's networks."""
    rows = named(RegisteredModel.objects.visible_to(teams.person(request)), request, asked)
    rows = rows.filter(task=asked.task) if asked.task else rows
    return paged(ordered(rows, asked.order, ("name", "created", "classes")).annotate(
        variant_count=Count("variants"), smallest_bytes=Min("variants__size_bytes"),
        largest_bytes=Max("variants__size_bytes"), most_params=Max("variants__params")), asked)


@router.post("/models", response={202: UploadOut}, tags=["models"])
def make_model(request: HttpRequest, response: HttpResponse, asked: NetworkIn) -> Status[Any]:
    """Make a model from an architecture, its weights drawn by lot: look at `Location`, /api/uploads/{id}, until it is `ready`."""
    team = editable_team(request, asked.team)
    found = fresh.make(teams.person(request), team, asked.model_dump(exclude={"team"}))
    response["Location"] = f"/api/uploads/{found.pk}"
    return Status(202, told_upload(found))


@router.get("/models/{uuid:model}", response=ModelOut, tags=["models"])
def get_model(request: HttpRequest, model: UUID) -> RegisteredModel:
    """One network; its files are its variants."""
    found: RegisteredModel = get_object_or_404(RegisteredModel.objects.visible_to(teams.person(request)), pk=model)
    return found


@router.patch("/models/{uuid:model}", response=ModelOut, tags=["models"])
def change_model(request: HttpRequest, model: UUID, asked: Change) -> RegisteredModel:
    """Another name or description."""
    found: RegisteredModel = _changed(request, RegisteredModel.objects.all(), model, asked)
    return found


@router.delete("/models/{uuid:model}", response={204: None}, tags=["models"])
def delete_model(request: HttpRequest, model: UUID) -> Status[Any]:
    """The model with its variants, where nothing refers to any of them (409 else)."""
    actions.delete_model(teams.person(request), _held(request, RegisteredModel.objects.all(), model))
    return Status(204, None)


@router.get("/variants", response=Page[VariantOut], tags=["models"])
def list_variants(request: HttpRequest, asked: Annotated[Variants, Query()]) -> dict[str, Any]:
    """The files of the team's networks, of one model or of all."""
    rows = named(Variant.objects.visible_to(teams.person(request)), request, asked)
    exact = {"model_id": asked.model, "precision": asked.precision, "made_by": asked.made_by}
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    return paged(ordered(rows, asked.order, ("created", "name", "size_bytes", "params", "macs")), asked)


@router.get("/variants/{uuid:variant}", response=VariantOut, tags=["models"])
def get_variant(request: HttpRequest, variant: UUID) -> Variant:
    """One file of a network, with its lineage and its facts."""
    found: Variant = get_object_or_404(Variant.objects.visible_to(teams.person(request)), pk=variant)
    return found


@router.patch("/variants/{uuid:variant}", response=VariantOut, tags=["models"])
def rename_variant(request: HttpRequest, variant: UUID, asked: NewName) -> Variant:
    """Another name."""
    found: Variant = _held(request, Variant.objects.all(), variant)
    actions.rename_variant(teams.person(request), found, asked.name)
    return get_variant(request, variant)


@router.delete("/variants/{uuid:variant}", response={204: None}, tags=["models"])
def delete_variant(request: HttpRequest, variant: UUID) -> Status[Any]:
    """Gone for good, where no run and no other variant refers to it (409 else)."""
    actions.delete_variant(teams.person(request), _held(request, Variant.objects.all(), variant))
    return Status(204, None)


@router.get("/variants/{uuid:variant}/file.safetensors", response=bytes, tags=["models"], openapi_extra=BINARY)
def get_variant_safetensors(request: HttpRequest, variant: UUID) -> FileResponse:
    """The file itself. 404 where a variant has no such file."""
    return variant_attachment(request, variant, "safetensors")


@router.get("/variants/{uuid:variant}/file.onnx", response=bytes, tags=["models"], openapi_extra=BINARY)
def get_variant_onnx(request: HttpRequest, variant: UUID) -> FileResponse:
    """The same network as ONNX. 404 where a variant has no such file."""
    return variant_attachment(request, variant, "onnx")


@router.get("/variants/{uuid:variant}/structure", response={200: Structure, 202: Waiting}, tags=["models"])
def get_variant_structure(request: HttpRequest, variant: UUID, asked: Annotated[Crossing, Query()]) -> Status[Any]:
    """Layers, costs, cuts and the places of a drawing. 202 while it is made: ask again in a second. 404 where there is none."""
    found = _known(request, variant)
    if found is None:
        return Status(202, Waiting())
    return Status(200, found.model_copy(update={"cuts": found.parted(asked.most_tensors)}))


@router.get("/variants/{uuid:variant}/difference/{uuid:other}", response={200: Difference, 202: Waiting}, tags=["models"])
def get_variants_difference(request: HttpRequest, variant: UUID, other: UUID) -> Status[Any]:
    """What became of the layers of the first variant in the second, by name. 202 while either is still described."""
    one, two = _known(request, variant), _known(request, other)
    return Status(200, difference(one, two)) if one and two else Status(202, Waiting())


@router.get("/datasets", response=Page[DatasetOut], tags=["data"])
def list_datasets(request: HttpRequest, asked: Annotated[Datasets, Query()]) -> dict[str, Any]:
    """The team's data sets, images and recorded detections."""
    rows = named(Dataset.objects.visible_to(teams.person(request)), request, asked)
    rows = rows.filter({"images": IMAGES, "recordings": RECORDINGS}.get(asked.holds, Q()))
    return paged(ordered(rows, asked.order, ("name", "created", "classes")), asked)


@router.get("/datasets/{uuid:dataset}", response=DatasetOut, tags=["data"])
def get_dataset(request: HttpRequest, dataset: UUID) -> Dataset:
    """One data set: its parts, shape and labels."""
    found: Dataset = get_object_or_404(Dataset.objects.visible_to(teams.person(request)), pk=dataset)
    return found


@router.patch("/datasets/{uuid:dataset}", response=DatasetOut, tags=["data"])
def change_dataset(request: HttpRequest, dataset: UUID, asked: Change) -> Dataset:
    """Another name or description."""
    found: Dataset = _changed(request, Dataset.objects.all(), dataset, asked)
    return found


@router.delete("/datasets/{uuid:dataset}", response={204: None}, tags=["data"])
def delete_dataset(request: HttpRequest, dataset: UUID) -> Status[Any]:
    """Gone for good, where no run refers to it (409 else)."""
    actions.delete_dataset(teams.person(request), _held(request, Dataset.objects.all(), dataset))
    return Status(204, None)


@router.get("/datasets/{uuid:dataset}/file", response=bytes, tags=["data"], openapi_extra=BINARY)
def get_dataset_file(request: HttpRequest, dataset: UUID) -> FileResponse:
    """The file itself, as safetensors; of recorded detections a zip of the MOT format."""
    return dataset_attachment(request, dataset)


def _known(request: HttpRequest, pk: UUID) -> Structure | None:
    """What a variant is made of; None while the desk is at it, 404 with the reason when it cannot be told."""
    rows = Variant.objects.visible_to(teams.person(request)).select_related("parent")
    seen = structures.look(get_object_or_404(rows, pk=pk))
    if seen.why:
        raise HttpError(404, f"{seen.why} Its id is {seen.instead.pk}." if seen.instead else seen.why)
    return seen.structure


def _held(request: HttpRequest, rows: TeamQuerySet, pk: UUID) -> Any:
    return get_object_or_404(rows.editable_by(teams.person(request)), pk=pk)


def _changed(request: HttpRequest, rows: TeamQuerySet, pk: UUID, asked: Change) -> Any:
    found = _held(request, rows, pk)
    name = found.name if asked.name is None else asked.name
    actions.rename(teams.person(request), found, name, found.description if asked.description is None else asked.description)
    return get_object_or_404(rows.visible_to(teams.person(request)), pk=pk)


def named(rows: QuerySet[Any], request: HttpRequest, asked: Listing) -> QuerySet[Any]:
    """The team's rows whose name holds the text."""
    mine = rows.filter(team=team_of(request, asked.team))
    return mine.filter(name__icontains=asked.q.strip()) if asked.q.strip() else mine
