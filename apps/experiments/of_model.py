"""What the model's page shows of experiments: the measured accuracy of its variants. And what refers to the catalogue."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.catalog.models import Variant
from apps.experiments.models import LIVE, Measurement, Run

RECIPE = "benchmarking.accuracy"
MOST = 50


@require_safe
def accuracies(request: HttpRequest) -> HttpResponse:
    """Fragment: for each variant that is asked for, its newest test accuracy and the run that measured it, or that one runs."""
    variants = list(Variant.objects.visible_to(request.user).filter(pk__in=_asked(request)).only("pk", "team_id"))
    ids = {str(variant.pk): variant for variant in variants}
    mine = Run.objects.visible_to(request.user).filter(recipe=RECIPE, inputs__model__id__in=list(ids))
    found = _measured(request, variants, mine)
    live = {run.inputs["model"]["id"]: run for run in mine.filter(status__in=LIVE).only("pk", "number", "inputs", "status")}
    rows = [{"variant": pk, "measured": found.get(pk), "run": live.get(pk)} for pk in ids if pk in found or pk in live]
    return render(request, "experiments/_accuracies.html", {"rows": rows, "is_live": bool(live)})


def _asked(request: HttpRequest) -> list[UUID]:
    found = []
    for text in request.GET.getlist("variant")[:MOST]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _measured(request: HttpRequest, variants: list[Variant], runs: Any) -> dict[str, Measurement]:
    """By variant: of a run that judged it as it is, or that made it; the newest wins."""
    rows = Measurement.objects.visible_to(request.user).filter(metric="accuracy", split="test", value__isnull=False).filter(
        Q(variant__in=variants) | Q(run__in=runs)).select_related("run").order_by("created")
    found: dict[str, Measurement] = {}
    for each in rows:
        judged = each.run.recipe == RECIPE and not each.variant_id
        found[str(each.run.inputs["model"]["id"] if judged else each.variant_id)] = each
    return found


def runs_given(ids: list[UUID]) -> dict[str, int]:
    """How many runs were given one of these things: they name it by its id, for a run stays what it was."""
    names = [str(pk) for pk in ids]
    return {"runs": Run.objects.filter(Q(inputs__model__id__in=names) | Q(inputs__dataset__id__in=names)).count()}
