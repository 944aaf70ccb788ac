"""The team's start page: what runs, what came out, what needs somebody."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.accounts.models import Team
from apps.catalog.models import Blob, Dataset, Variant
from apps.devices.models import SILENT_AFTER, Device
from apps.experiments.models import ENDED, LIVE, Run, RunFile
from apps.experiments.results import listed
from apps.portfolios.models import Portfolio
from apps.portfolios.views import waiting_for


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    team = teams.current(request)
    runs = Run.objects.visible_to(request.user).filter(team=team, experiment__archived=None)
    context: dict[str, Any] = {
        "live": listed(runs.filter(status__in=LIVE).order_by("-number")[:20]),
        "latest": listed(runs.filter(status__in=ENDED).order_by("-finished_at")[:8]),
        "reviews": _waiting(request, team), "lost": _out_of_contact(request, team), "space": _space(team),
        "may_edit": teams.may_edit(teams.person(request), team),
    }
    page = "home/_running.html" if request.htmx else "home/home.html"  # type: ignore[attr-defined]
    return render(request, page, context)


def _waiting(request: HttpRequest, team: Team | None) -> Any:
    """Portfolios that wait for this person's review."""
    rows = Portfolio.objects.visible_to(request.user).filter(team=team)
    return waiting_for(request, rows).select_related("author", "submitted_by").order_by("changed_at")[:10]


def _out_of_contact(request: HttpRequest, team: Team | None) -> Any:
    silent = Q(last_seen__lt=timezone.now() - SILENT_AFTER)
    return Device.objects.visible_to(request.user).filter(silent, team=team, retired=False)


def _space(team: Team | None) -> int:
    """Bytes of the distinct files that the team's rows point at."""
    if team is None:
        return 0
    mine = Q(pk__in=Variant.objects.filter(team=team).values("file")) \
        | Q(pk__in=Variant.objects.filter(team=team, onnx__isnull=False).values("onnx")) \
        | Q(pk__in=Dataset.objects.filter(team=team).values("file")) \
        | Q(pk__in=RunFile.objects.filter(run__team=team).values("blob"))
    return Blob.objects.filter(mine).aggregate(total=Sum("size_bytes"))["total"] or 0
