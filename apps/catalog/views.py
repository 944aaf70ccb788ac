"""Models with their variants, data sets, and the files behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.paginator import Page, Paginator
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.accounts.sight import mark
from apps.catalog import blobs, recorded
from apps.catalog.budget_rows import budget_context
from apps.catalog.forms import NamesForm
from apps.catalog.lineage import COPIES, tree
from apps.catalog.models import UNTRAINED, Dataset, Precision, RegisteredModel, Variant
from apps.catalog.sheet import sheet
from apps.catalog.upload_pages import panel

LONGEST_SEARCH = 100
STAYS = "A data set that a run or a portfolio uses stays."
ROWS_A_PAGE, VARIANTS_A_PAGE, MOST_FITTING = 25, 50, 50


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """The team's networks. Their variants are counted for the page's own models alone."""
    team = teams.current(request)
    rows = RegisteredModel.objects.visible_to(request.user).filter(team=team)
    search = searched(request)
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(task__icontains=search))
    page = paged(request, rows)
    context = {"page": page, "models": _counted(request, [model.pk for model in page.object_list]), "search": search}
    return render(request, "catalog/models.html", context | panel(request, team, "model"))


def _counted(request: HttpRequest, ids: list[UUID]) -> QuerySet[RegisteredModel]:
    """Counted by the index alone; the facts are those of the first variant, which the others descend from."""
    ordered = Variant.objects.visible_to(request.user).filter(model=OuterRef("pk"))
    first, last = ordered.order_by("created", "id"), ordered.order_by("-created", "-id")
    found: QuerySet[RegisteredModel] = RegisteredModel.objects.visible_to(request.user).filter(pk__in=ids).annotate(
        variant_count=Count("variants"), params=Subquery(first.values("params")[:1]), macs=Subquery(first.values("macs")[:1]),
        size_bytes=Subquery(first.values("size_bytes")[:1]), newest=Subquery(last.values("created")[:1]),
    ).order_by("name", "id")
    return found


@require_safe
def model(request: HttpRequest, pk: UUID) -> HttpResponse:
    return shown_model(request, get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk))


def shown_model(request: HttpRequest, found: RegisteredModel, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page of a model; its variants by page, each beside the parent it is compared with."""
    distinct, shows_copies = found.variants.exclude(COPIES), request.GET.get("copies") == "on"
    rows = found.variants.all() if shows_copies else distinct
    page = paged(request, rows.select_related("file", "onnx", "parent__parent"), VARIANTS_A_PAGE)
    copies = found.variants.filter(COPIES).count()
    first = distinct.select_related("file", "onnx").first()
    best = _trained(found) or first
    budget = budget_context(request, found)
    context = {"model": found, "page": page, "branches": tree(list(page.object_list)), "first": first, "copies": copies,
               "shows_copies": shows_copies, "best": best,
               "names_form": NamesForm(initial={"name": found.name, "description": found.description}),
               "seen": mark(found.name, found.description), "goes": _goes(copies + distinct.count()), **budget, **more}
    status = 422 if budget["budget_form"].errors else status
    return render(request, "catalog/model.html", context | _own_panel(request, found), status=status)


def _trained(found: RegisteredModel) -> Variant | None:
    """What an experiment of this model begins with: the newest variant of full width that came trained or that a run trained."""
    rows = found.variants.exclude(COPIES).filter(precision=Precision.FP32).exclude(name=UNTRAINED)
    return rows.order_by("-params", "-created").first()


def _goes(variants: int) -> str:
    """What is lost with a model, for who is asked once more."""
    what = "Its one variant" if variants == 1 else f"All its {variants:,} variants" if variants else "Its name and description"
    files = "every file of them" if variants > 1 else "every file of it"
    return f"{what} and {files} go for good. A model that a run or a portfolio uses stays."


def _own_panel(request: HttpRequest, found: RegisteredModel) -> dict[str, Any]:
    """A variant is sent to the model's own team, which may not be the one that was chosen."""
    if found.team_id == getattr(teams.current(request), "pk", None):
        return panel(request, found.team, "model", found)
    return {"may_edit": teams.may_edit(teams.person(request), found.team)}


@require_safe
def variant_file(request: HttpRequest, pk: UUID, kind: str) -> FileResponse:
    """The safetensors file or its ONNX twin, by row: no text from outside is ever a path."""
    variant = get_object_or_404(Variant.objects.visible_to(request.user).select_related("file", "onnx", "model"), pk=pk)
    blob = variant.onnx if kind == "onnx" else variant.file
    # A quantised network has no safetensors form: its file is the ONNX file.
    if blob is None or (kind != "onnx" and variant.precision != Precision.FP32):
        raise Http404
    return attachment(blob.sha256, f"{_full_name(variant)}.{kind}")


def _full_name(variant: Variant) -> str:
    """The model's name stands once, also where the variant's begins with it."""
    return variant.name if variant.name.startswith(variant.model.name) else f"{variant.model.name}-{variant.name}"


@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    team = teams.current(request)
    rows = Dataset.objects.visible_to(request.user).filter(team=team).select_related("file")
    search = searched(request)
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(description__icontains=search))
    page = paged(request, rows)
    context = {"page": page, "datasets": page.object_list, "search": search}
    return render(request, "catalog/datasets.html", context | panel(request, team, "dataset"))


@require_safe
def dataset(request: HttpRequest, pk: UUID) -> HttpResponse:
    return shown_dataset(request, get_object_or_404(Dataset.objects.visible_to(request.user).select_related("file"), pk=pk))


def shown_dataset(request: HttpRequest, found: Dataset, *, status: int = 200, **more: Any) -> HttpResponse:
    fitting = RegisteredModel.objects.visible_to(request.user).filter(
        team=found.team, in_shape=found.in_shape, classes=found.classes)
    context = {"dataset": found, "sheet": sheet(found), "fitting": fitting[:MOST_FITTING] if found.recorded is None else (),
               "goes": f"All its {'detections' if found.recorded else 'images and labels'} go for good. {STAYS}",
               "recorded": recorded.told(found.recorded) if found.recorded else None,
               "may_edit": teams.may_edit(teams.person(request), found.team),
               "names_form": NamesForm(initial={"name": found.name, "description": found.description}),
               "seen": mark(found.name, found.description), **more}
    return render(request, "catalog/dataset.html", context, status=status)


@require_safe
def dataset_file(request: HttpRequest, pk: UUID) -> FileResponse:
    found = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
    return attachment(found.file_id, f"{found.name}.{'zip' if found.recorded else 'safetensors'}")


@require_safe
def dataset_samples(request: HttpRequest, pk: UUID) -> FileResponse:
    """A sheet of training images, made here and so shown; it never changes."""
    found = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk, samples__isnull=False)
    source = blobs.open(found.samples_id)
    response = Download(source, content_type="image/png")
    response["Content-Length"] = str(source.size)
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


class Download(FileResponse):
    """A file response that ASGI reads in threads; Django's own would gather the whole file in memory first."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: Iterator[bytes] = iter(self.streaming_content)  # type: ignore[arg-type]
        while chunk := await sync_to_async(next)(chunks, b""):  # type: ignore[call-arg]
            yield chunk


def paged(request: HttpRequest, rows: QuerySet[Any], count: int = ROWS_A_PAGE) -> Page[Any]:
    """The page that was asked for; an unknown one is the nearest."""
    return Paginator(rows, count).get_page(request.GET.get("page"))


def searched(request: HttpRequest) -> str:
    """What was typed into the filter; NUL is no text for PostgreSQL."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]


def attachment(sha256: str, name: str, media_type: str = "application/octet-stream") -> FileResponse:
    """A blob as a download that no browser will ever try to show; read piece by piece, however large it is."""
    source = blobs.open(sha256)
    response = Download(source, as_attachment=True, filename=name, content_type=media_type)
    response["Content-Length"] = str(source.size)
    response["X-Content-Type-Options"] = "nosniff"
    return response
