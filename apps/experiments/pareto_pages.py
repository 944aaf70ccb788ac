"""Fragments of a model's page and of an experiment's: what was timed of its networks, as a Pareto line for each device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.models import RegisteredModel, Variant
from apps.devices.colours import places
from apps.experiments import pareto
from apps.experiments.models import Experiment, Measurement, Run
from apps.experiments.of_model import RECIPE as JUDGES
from apps.experiments.pareto import Point, Setting
from apps.experiments.results import ACCURACY, LATENCY
from worker.likeness import Conditions

TIMES = "benchmarking.latency"
MOST, MOST_VARIANTS, MOST_ROWS, MOST_DEVICES = 1000, 300, 60, 8


@require_safe
def of_model(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything that was timed of a model's variants; of copies of one file one timing."""
    found = get_object_or_404(RegisteredModel.objects.visible_to(request.user).select_related("team"), pk=pk)
    variants = Variant.objects.visible_to(request.user).filter(model=found).order_by("-created")
    ids = list(variants.values_list("pk", flat=True)[:MOST_VARIANTS])
    timed = list(_runs(request, TIMES, ids).values_list("pk", flat=True))
    rows = _timed(request, Q(variant__in=ids) | Q(variant=None, run__in=timed))
    return _answer(request, found.team, points(request, rows), reverse("model", args=[pk]))


@require_safe
def of_experiment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What its runs timed, where that was on more than one device: of one alone its own chart speaks."""
    found = get_object_or_404(Experiment.objects.visible_to(request.user).select_related("team"), pk=pk)
    said = points(request, _timed(request, Q(run__experiment=found)))
    several = said if len({point.device for point in said}) > 1 else []
    return _answer(request, found.team, several, reverse("experiment", args=[pk]))


def _answer(request: HttpRequest, team: Any, said: Sequence[Point], page: str) -> HttpResponse:
    against = request.GET.get("against", "")
    against = against if against in pareto.AGAINST else "accuracy"
    known = pareto.settings(said)
    setting = next((each for each, _ in known if each.key == request.GET.get("as", "")), known[0][0] if known else None)
    chosen = [point for point in said if point.setting == setting]
    devices = sorted({point.device for point in chosen})[:MOST_DEVICES]
    chosen = [point for point in chosen if point.device in devices]
    rows = pareto.shown(chosen, against, places(team, devices)) if chosen else []
    return render(request, "experiments/_pareto.html", {
        "rows": rows[:MOST_ROWS], "left_out": max(0, len(rows) - MOST_ROWS), "page": page, "against": against,
        "setting": setting, "settings": known, "warnings": pareto.unlike(chosen),
        "unjudged": sum(row.point.accuracy is None for row in rows),
        "config": pareto.config(rows, against) if rows else None})


def _timed(request: HttpRequest, which: Q) -> QuerySet[Measurement]:
    rows = Measurement.objects.visible_to(request.user).filter(which, metric=LATENCY, value__isnull=False).exclude(device="")
    return rows.select_related("run", "variant").defer("run__trace", "run__environment").order_by("-created", "pk")


def _runs(request: HttpRequest, recipe: str, variants: Sequence[UUID]) -> QuerySet[Run]:
    """Runs of a recipe that looks at a variant as it is and makes none."""
    return Run.objects.visible_to(request.user).filter(recipe=recipe, inputs__model__id__in=[str(pk) for pk in variants])


def points(request: HttpRequest, rows: QuerySet[Measurement]) -> list[Point]:
    """Of each file on each device and in each setting the newest calm timing, a noisy one only where there is no other; with its
    newest test accuracy."""
    every = list(rows[:MOST])
    variants = _variants(request, every)
    found: dict[tuple[Any, ...], Point] = {}
    for each in every:
        variant = each.variant or variants.get(_given(each.run))
        if variant is not None:
            point = _point(each, variant)
            key = (point.device, point.setting, point.file)
            if key not in found or (found[key].noisy and not point.noisy):
                found[key] = point
    judged = _accuracies(request, {point.file for point in found.values()})
    return [_with(point, judged.get(point.file)) for point in found.values()]


def _variants(request: HttpRequest, every: Sequence[Measurement]) -> dict[str, Variant]:
    """The variants that runs were given, for those that measured them without making any."""
    ids = {_given(each.run) for each in every if each.variant is None} - {""}
    return {str(variant.pk): variant for variant in Variant.objects.visible_to(request.user).filter(pk__in=ids)} if ids else {}


def _given(run: Run) -> str:
    """The one variant that a run looked at; nothing of a run that makes others."""
    given = run.inputs.get("model")
    return str(given.get("id", "")) if run.recipe in (TIMES, JUDGES) and isinstance(given, dict) else ""


def _point(each: Measurement, variant: Variant) -> Point:
    measured = {name: getattr(each, name) for name in ("engine", "threads", "batch")}
    return Point(
        taken=Conditions.of(measured, each.run.summary), device=each.device,
        setting=Setting(each.engine, each.threads, each.batch), variant=variant.pk, file=variant.file_id,
        name=variant.name, ms=float(each.value or 0.0), low_ms=each.low, high_ms=each.high, origin=each.origin, noisy=each.noisy,
        size_bytes=variant.size_bytes, run=each.run_id, run_number=each.run.number)


def _accuracies(request: HttpRequest, files: set[str]) -> dict[str, Measurement]:
    """The newest test accuracy of each file, whoever's copy of it was judged."""
    mine = Variant.objects.visible_to(request.user).filter(file__in=files).order_by("-created")
    copies = dict(mine.values_list("pk", "file")[:MOST]) if files else {}
    if not copies:
        return {}
    judged = {str(pk): given for pk, given in _runs(request, JUDGES, list(copies)).values_list("pk", "inputs__model__id")}
    rows = Measurement.objects.visible_to(request.user).filter(
        Q(variant__in=list(copies)) | Q(variant=None, run__in=list(judged)), metric=ACCURACY, split="test", value__isnull=False)
    found = {}
    for each in rows.order_by("created"):
        found[copies[each.variant_id or UUID(str(judged[str(each.run_id)]))]] = each
    return found


def _with(point: Point, said: Measurement | None) -> Point:
    if said is None:
        return point
    return replace(point, accuracy=said.value, accuracy_low=said.low, accuracy_high=said.high, accuracy_n=said.n)
