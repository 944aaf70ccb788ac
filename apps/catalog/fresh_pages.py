"""The page that makes a model from an architecture of the house."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.catalog import fresh
from apps.catalog.forms import FreshForm
from apps.catalog.models import IMAGES, Dataset, shape_words
from worker import architectures

MOST_OFFERED = 200
DEFAULTS = {"architecture": "resnet20", "width": f"{fresh.WIDTH:g}", "seed": fresh.SEED}


@require_http_methods(["GET", "HEAD", "POST"])
def new_model(request: HttpRequest) -> HttpResponse:
    """The form; `?dataset=` and the other fields in the address fill it in."""
    if not teams.may_edit(teams.person(request), teams.current(request)):
        raise PermissionDenied
    if request.method == "POST":
        return _make(request)
    chosen = _chosen(request, request.GET.get("dataset", ""))
    form = FreshForm(initial=DEFAULTS | _told(request) | _start(request, chosen), datasets=_offered(request, chosen))
    return _page(request, form)


def _make(request: HttpRequest) -> HttpResponse:
    form = FreshForm(request.POST, datasets=_offered(request, _chosen(request, request.POST.get("dataset", ""))))
    if form.is_valid():
        try:
            fresh.make(teams.person(request), teams.current(request), form.options())
            return redirect(f"{reverse('models')}#uploads")
        except Refused as refused:
            form.refuse(refused)
    return _page(request, form, status=422)


def _page(request: HttpRequest, form: FreshForm, status: int = 200) -> HttpResponse:
    listed = [(name, words, architectures.least_side(name)) for name, words in architectures.ARCHITECTURES.items()]
    return render(request, "catalog/new_model.html", {"form": form, "architectures": listed}, status=status)


def _told(request: HttpRequest) -> dict[str, Any]:
    """What stands in the address, as it would be typed."""
    return {name: value for name in FreshForm.field_order if (value := request.GET.get(name, "").replace("\x00", "")[:200])}


def _start(request: HttpRequest, chosen: Dataset | None) -> dict[str, Any]:
    """The chosen data set; of one of another team of the person its images and classes."""
    if chosen is None:
        return {"dataset": ""}
    if chosen.team == teams.current(request):
        return {"dataset": str(chosen.pk)}
    return {"dataset": "", "in_shape": shape_words(chosen.in_shape).replace("×", "x"), "classes": chosen.classes}


def _chosen(request: HttpRequest, pk: str) -> Dataset | None:
    try:
        wanted = UUID(pk)
    except ValueError:
        return None
    found: Dataset | None = Dataset.objects.visible_to(request.user).select_related("team").filter(IMAGES, pk=wanted).first()
    return found


def _offered(request: HttpRequest, chosen: Dataset | None) -> list[tuple[str, str]]:
    """The team's newest data sets, with the chosen one among them."""
    team = teams.current(request)
    newest = list(Dataset.objects.visible_to(request.user).filter(IMAGES, team=team).order_by("-created")[:MOST_OFFERED])
    if chosen and chosen.team == team and chosen not in newest:
        newest.insert(0, chosen)
    return [(str(each.pk), f"{each} · {shape_words(each.in_shape)}, {each.classes} classes") for each in newest]
