"""The team's start page: what runs, what came out, what needs somebody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Max, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.accounts.models import Team
from apps.catalog.models import Blob, Dataset, DerivedFile, Variant
from apps.devices.models import SILENT_AFTER, Device
from apps.experiments.listing import rows
from apps.experiments.models import LIVE, Experiment, Run, RunFile, Status
from apps.plans import telling
from apps.plans.models import Freshness, SavedPlan
from apps.portfolios.models import Portfolio
from apps.portfolios.views import sent_back_to, waiting_for

MOST_LIVE, MOST_LATEST = 20, 8


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    team = teams.current(request)
    runs = Run.objects.visible_to(request.user).filter(team=team, experiment__archived=None)
    live = runs.filter(status__in=LIVE)
    ended = runs.filter(status__in=(Status.FINISHED, Status.FAILED))
    running, latest = together(_newest(live, Max("number"), MOST_LIVE), _newest(ended, Max("finished_at"), MOST_LATEST))
    context: dict[str, Any] = {
        "live": running, "live_runs": live.count(), "latest": latest,
        "reviews": _waiting(request, team), "returned": _returned(request, team),
        "stale_plans": _stale(request, team), "lost": _out_of_contact(request, team), "space": _space(team),
        "may_edit": teams.may_edit(teams.person(request), team),
    }
    page = "home/_running.html" if request.htmx else "home/home.html"  # type: ignore[attr-defined]
    return render(request, page, context)


def together(*lists: dict[UUID, Any]) -> list[list[dict[str, Any]]]:
    """Of each list of experiments what their own list says of them: many runs are one row. The queries of one list for all."""
    found = Experiment.objects.filter(pk__in={pk for each in lists for pk in each}).select_related("created_by")
    said = {row["experiment"].pk: row for row in rows(list(found))}
    return [[said[pk] | {"newest": newest} for pk, newest in each.items() if pk in said] for each in lists]


def _newest(runs: QuerySet[Run], newest: Max, most: int) -> dict[UUID, Any]:
    """The experiments of such runs, the newest first, and how new they are."""
    return dict(runs.order_by().values_list("experiment").annotate(newest=newest).order_by("-newest", "experiment")[:most])


def _waiting(request: HttpRequest, team: Team | None) -> Any:
    """Portfolios that wait for this person's review."""
    rows = Portfolio.objects.visible_to(request.user).filter(team=team)
    return waiting_for(request, rows).select_related("author", "submitted_by").order_by("changed_at")[:10]


def _returned(request: HttpRequest, team: Team | None) -> Any:
    """Portfolios that came back to this person with changes requested."""
    rows = Portfolio.objects.visible_to(request.user).filter(team=team)
    return sent_back_to(request, rows).order_by("changed_at")[:10]


def _stale(request: HttpRequest, team: Team | None) -> list[dict[str, Any]]:
    """Saved plans that no longer are what they were saved as."""
    rows = SavedPlan.objects.visible_to(request.user).filter(team=team, state=Freshness.STALE).order_by("-stale_since", "id")
    return [telling.row(each) for each in rows[:10]]


def _out_of_contact(request: HttpRequest, team: Team | None) -> Any:
    silent = Q(last_seen__lt=timezone.now() - SILENT_AFTER)
    return Device.objects.visible_to(request.user).filter(silent, team=team, retired=False)


def _space(team: Team | None) -> int:
    """Bytes of the distinct files that the team's rows point at."""
    if team is None:
        return 0
    mine = Q(pk__in=Variant.objects.filter(team=team).values("file")) \
        | Q(pk__in=Variant.objects.filter(team=team, onnx__isnull=False).values("onnx")) \
        | Q(pk__in=DerivedFile.objects.filter(team=team, made__isnull=False).values("file")) \
        | Q(pk__in=DerivedFile.objects.filter(team=team, tail__isnull=False).values("tail")) \
        | Q(pk__in=Dataset.objects.filter(team=team).values("file")) \
        | Q(pk__in=RunFile.objects.filter(run__team=team).values("blob"))
    return Blob.objects.filter(mine).aggregate(total=Sum("size_bytes"))["total"] or 0
