"""Models with their variants, data sets, and the files behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db.models import Count, Max, Min, Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.catalog import blobs
from apps.catalog.lineage import tree
from apps.catalog.models import Dataset, RegisteredModel, Variant

LONGEST_SEARCH = 100


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    rows = RegisteredModel.objects.visible_to(request.user).filter(team=teams.current(request)).annotate(
        variant_count=Count("variants"), smallest_bytes=Min("variants__size_bytes"),
        largest_bytes=Max("variants__size_bytes"), most_params=Max("variants__params"), newest=Max("variants__created"))
    search = searched(request)
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(task__icontains=search))
    return render(request, "catalog/models.html", {"models": rows, "search": search})


@require_safe
def model(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
    variants = list(found.variants.select_related("file", "onnx"))
    context = {"model": found, "branches": tree(variants), "first": variants[0] if variants else None,
               "may_edit": teams.may_edit(teams.person(request), found.team)}
    return render(request, "catalog/model.html", context)


@require_safe
def variant_file(request: HttpRequest, pk: UUID, kind: str) -> FileResponse:
    """The safetensors file or its ONNX twin, by row: no text from outside is ever a path."""
    variant = get_object_or_404(Variant.objects.visible_to(request.user).select_related("file", "onnx", "model"), pk=pk)
    blob = variant.onnx if kind == "onnx" else variant.file
    if blob is None:
        raise Http404
    return attachment(blob.sha256, f"{variant.model.name}-{variant.name}.{kind}")


@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    rows = Dataset.objects.visible_to(request.user).filter(team=teams.current(request)).select_related("file")
    search = searched(request)
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(description__icontains=search))
    return render(request, "catalog/datasets.html", {"datasets": rows, "search": search})


@require_safe
def dataset(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Dataset.objects.visible_to(request.user).select_related("file"), pk=pk)
    fitting = RegisteredModel.objects.visible_to(request.user).filter(
        team=found.team, in_shape=found.in_shape, classes=found.classes)
    return render(request, "catalog/dataset.html", {"dataset": found, "fitting": fitting})


@require_safe
def dataset_file(request: HttpRequest, pk: UUID) -> FileResponse:
    found = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
    return attachment(found.file_id, f"{found.name}.safetensors")


class Download(FileResponse):
    """A file response that ASGI reads in threads; Django's own would gather the whole file in memory first."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: Iterator[bytes] = iter(self.streaming_content)  # type: ignore[arg-type]
        while chunk := await sync_to_async(next)(chunks, b""):  # type: ignore[call-arg]
            yield chunk


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
