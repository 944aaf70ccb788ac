"""Folded networks and slices from a variant's page: asked for, waited for, taken along."""

from __future__ import annotations

from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.catalog import derived, structures
from apps.catalog.file_rows import files_context, slices_form
from apps.catalog.models import DerivedFile, Variant
from apps.catalog.structure_pages import shown_variant, visible
from apps.catalog.views import attachment


@require_safe
def files(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment: the files; asks for itself again while one is being made."""
    found = visible(request, pk)
    return render(request, "catalog/_files.html", {"variant": found} | files_context(request, found))


@require_POST
def derive(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask for a folded network or for slices; what cannot be made is said at its field."""
    rows = Variant.objects.editable_by(request.user).select_related("model", "parent", "team", "file", "onnx")
    found: Variant = get_object_or_404(rows, pk=pk)
    form = slices_form(structures.kept(found), request.POST)
    form.is_valid()
    try:
        derived.ask(teams.person(request), found, request.POST.get("kind", ""), request.POST.get("after", ""))
    except Refused as refused:
        form.refuse(refused)
        return shown_variant(request, found, slices_form=form, status=422)
    return redirect(f"{reverse('variant', args=[found.pk])}#files")


@require_safe
def derived_file(request: HttpRequest, pk: UUID, derived_pk: UUID, part: str) -> FileResponse:
    found = visible(request, pk)
    made = get_object_or_404(DerivedFile.objects.visible_to(request.user).filter(variant=found), pk=derived_pk)
    return taken(found, made, part)


def taken(variant: Variant, made: DerivedFile, name: str) -> FileResponse:
    """One of its files, by row; 404 for a part that it does not have, or not yet."""
    part = next((each for each in derived.parts(made) if each.name == name), None)
    if part is None:
        raise Http404
    where = f"-{made.after}" if made.after else ""
    return attachment(part.blob_id, f"{variant.model.name}-{variant.name}-{name}{where}.onnx")
