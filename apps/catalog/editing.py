"""Calling models, variants and data sets something else, and deleting them: small forms on their pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from apps.accounts import answers, teams
from apps.accounts.refusal import Refused
from apps.catalog import actions, views
from apps.catalog.forms import NamesForm, VariantForm
from apps.catalog.models import Dataset, RegisteredModel, Variant
from apps.catalog.structure_pages import shown_variant


@require_POST
def rename_model(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(RegisteredModel.objects.editable_by(request.user), pk=pk)
    return _renamed(request, found, lambda **more: views.shown_model(request, found, **more))


@require_POST
def rename_dataset(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Dataset.objects.editable_by(request.user).select_related("file"), pk=pk)
    return _renamed(request, found, lambda **more: views.shown_dataset(request, found, **more))


def _renamed(request: HttpRequest, thing: Any, shown: Callable[..., HttpResponse]) -> HttpResponse:
    """Do it and show the page; what cannot be done is said at its field, with everything typed kept."""
    form, status = NamesForm(request.POST), 422
    if form.is_valid():
        try:
            actions.rename(teams.person(request), thing, **form.cleaned_data, seen=request.POST.get("seen"))
            return redirect(request.path.rpartition("rename/")[0])
        except Refused as refused:
            form.refuse(refused)
            status = answers.status(refused)
    return shown(names_form=form, status=status)


@require_POST
def rename_variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _variant(request, pk)
    form, status = VariantForm(request.POST), 422
    if form.is_valid():
        try:
            actions.rename_variant(teams.person(request), found, form.cleaned_data["name"], request.POST.get("seen"))
            return redirect("variant", pk=found.pk)
        except Refused as refused:
            form.refuse(refused)
            status = answers.status(refused)
    return shown_variant(request, found, form=form, status=status)


@require_POST
def delete_model(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(RegisteredModel.objects.editable_by(request.user), pk=pk)
    return _deleted(request, actions.delete_model, found, lambda **more: views.shown_model(request, found, **more), "/models/")


@require_POST
def delete_variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _variant(request, pk)
    return _deleted(request, actions.delete_variant, found, lambda **more: shown_variant(request, found, **more),
                    f"/models/{found.model_id}/")


@require_POST
def delete_dataset(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Dataset.objects.editable_by(request.user).select_related("file"), pk=pk)
    return _deleted(request, actions.delete_dataset, found, lambda **more: views.shown_dataset(request, found, **more), "/data/")


def _deleted(request: HttpRequest, action: Any, thing: Any, shown: Callable[..., HttpResponse], place: str) -> HttpResponse:
    try:
        action(teams.person(request), thing)
    except Refused as refused:
        return shown(refused=" ".join(refused.errors.values()), status=409)
    return redirect(place)


def _variant(request: HttpRequest, pk: UUID) -> Variant:
    rows = Variant.objects.editable_by(request.user).select_related("model", "parent", "team", "file", "onnx")
    found: Variant = get_object_or_404(rows, pk=pk)
    return found
