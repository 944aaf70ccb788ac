"""What the model's page shows of experiments: the measured accuracy of its variants. And what refers to the catalogue."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.catalog.models import Variant
from apps.catalog.views import paged
from apps.devices import names
from apps.devices.models import Device
from apps.experiments.models import LIVE, Measurement, Run

RECIPE = "benchmarking.accuracy"
SLICES = "partitioning.slices"
MOST, ROWS = 50, 20
COUNTED = ("params", "macs", "size_bytes", "activation_bytes")  # in the file itself, no run has to measure them


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


@require_safe
def measurements_of_variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment for a variant's page: every number about its file, newest first, of the copies that runs kept too."""
    found = get_object_or_404(Variant.objects.visible_to(request.user), pk=pk)
    same = Variant.objects.visible_to(request.user).filter(model=found.model_id, file=found.file_id, params=found.params)
    # Lists, not subqueries: PostgreSQL joins two indexes for these, and reads the whole table for those.
    copies = [found.pk, *_ids(same.exclude(pk=found.pk).order_by("-created"))]
    judged = _ids(Run.objects.visible_to(request.user).filter(recipe=RECIPE, inputs__model__id__in=list(map(str, copies)))
                  .order_by("-number"))
    return _measurements(request, Q(variant__in=copies) | Q(variant=None, run__in=judged), found.team_id,
                         "Nothing was measured of it yet.")


@require_safe
def measurements_on_device(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment for a device's page: what was measured on it, newest first."""
    found = get_object_or_404(Device.objects.visible_to(request.user), pk=pk)
    # On a shared device every team sees what it has measured itself.
    current = teams.current(request)
    team = current.pk if found.shared and current else found.team_id
    return _measurements(request, Q(device__in=names.own(found, team)), team, "Nothing was measured on it yet.")


def _measurements(request: HttpRequest, which: Q, team: UUID, none: str) -> HttpResponse:
    rows = Measurement.objects.visible_to(request.user).filter(which, team=team, value__isnull=False).exclude(metric__in=COUNTED)
    page = paged(request, rows.select_related("run", "variant__model").order_by("-created", "pk"), ROWS)
    for each in page.object_list:
        each.over = _over(each)
    return render(request, "experiments/_measurements.html", {"page": page, "none": none})


def _over(row: Measurement) -> list[str]:
    """Of what a plan took: where it was cut, and the links; nothing of any other number."""
    if row.run.recipe != SLICES or not row.metric.startswith("split_latency"):
        return []
    links = row.run.summary.get("links") or str(row.run.params.get("between", "")).split("; ")
    return [f"plan: {row.run.params['plan']}", *(f"link {link}" for link in links if link)]


def _ids(rows: Any) -> list[UUID]:
    return list(rows.values_list("pk", flat=True)[:MOST])


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
    return {"runs that used it": Run.objects.filter(Q(inputs__model__id__in=names) | Q(inputs__dataset__id__in=names)
                                                        | Q(inputs__recordings__id__in=names)).count()}
