"""Calling models, variants and data sets something else, and deleting them: small forms on their pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.catalog import actions, views
from apps.catalog.forms import NamesForm, VariantForm
from apps.catalog.models import Dataset, RegisteredModel, Variant


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
    form = NamesForm(request.POST)
    if form.is_valid():
        try:
            actions.rename(teams.person(request), thing, **form.cleaned_data)
            return redirect(request.path.rpartition("rename/")[0])
        except Refused as refused:
            form.refuse(refused)
    return shown(names_form=form, status=422)


@require_safe
def variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _variant(request, pk)
    return _shown_variant(request, found, form=VariantForm(initial={"name": found.name}))


@require_POST
def rename_variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _variant(request, pk)
    form = VariantForm(request.POST)
    if form.is_valid():
        try:
            actions.rename_variant(teams.person(request), found, form.cleaned_data["name"])
            return redirect("model", pk=found.model_id)
        except Refused as refused:
            form.refuse(refused)
    return _shown_variant(request, found, form=form, status=422)


def _shown_variant(request: HttpRequest, found: Variant, status: int = 200, **more: Any) -> HttpResponse:
    context = {"variant": found, "form": VariantForm(initial={"name": found.name}), **more}
    return render(request, "catalog/variant.html", context, status=status)


@require_POST
def delete_model(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(RegisteredModel.objects.editable_by(request.user), pk=pk)
    return _deleted(request, actions.delete_model, found, lambda **more: views.shown_model(request, found, **more), "/models/")


@require_POST
def delete_variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _variant(request, pk)
    return _deleted(request, actions.delete_variant, found, lambda **more: _shown_variant(request, found, **more),
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
    found: Variant = get_object_or_404(Variant.objects.editable_by(request.user).select_related("model"), pk=pk)
    return found
