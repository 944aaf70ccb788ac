"""The list of experiments: filters that stand in the address, one row for each experiment however many runs it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.http import HttpRequest

from apps.accounts import teams
from apps.catalog.views import searched
from apps.experiments import apart
from apps.experiments.models import ENDED, HELD, LIVE, Experiment, Run, Status
from apps.experiments.results import listed
from apps.experiments.studies import RECIPE
from worker import menu

ARCHIVED = "archived"
FILTERS: dict[str, Sequence[str]] = {"live": LIVE, **{status.value: (status.value,) for status in Status}}


def asked(request: HttpRequest) -> dict[str, str]:
    """What the address asks for."""
    return {"search": searched(request), "recipe": request.GET.get("recipe", ""), "status": request.GET.get("status", ""),
            "tag": request.GET.get("tag", "").replace("\x00", "")[:200]}


def filtered(request: HttpRequest) -> QuerySet[Experiment]:
    """The team's experiments as the address narrows them; a value nobody knows finds nothing."""
    want, team = asked(request), teams.current(request)
    found: QuerySet[Experiment] = Experiment.objects.visible_to(request.user).filter(team=team)
    found = found.filter(archived__isnull=want["status"] != ARCHIVED)
    if want["recipe"]:
        known = menu.find(want["recipe"])
        found = found.filter(of_recipe(menu.names(known))) if known else found.none()
    if want["status"] and want["status"] != ARCHIVED:
        found = found.filter(_has_run(Q(status__in=FILTERS.get(want["status"], ()))))
    if want["search"]:
        found = found.filter(Q(name__icontains=want["search"]) | _tagged(want["search"]) | _has_run(_numbered(want["search"])))
    if want["tag"]:
        found = found.filter(tags__contains=[want["tag"]])
    return found.order_by("-created", "id")


def of_recipe(names: Sequence[str]) -> Q:
    """Those that ran it, also beside others."""
    found = Q(recipe__in=names)
    for name in names:
        found |= Q(sweep__contains=[[RECIPE, [name]]])
    return found


def _has_run(like: Q) -> Q:
    return Q(Exists(Run.objects.filter(like, experiment=OuterRef("pk"), team=OuterRef("team"))))


def _tagged(search: str) -> Q:
    """Those with a tag that holds this text; what stands between tags where they are kept is none of them."""
    return Q(pk=None) if any(mark in search for mark in '[]",\\') else Q(tags__icontains=search)


def _numbered(search: str) -> Q:
    """The run of that number, when a number was typed."""
    digits = search.lower().removeprefix("run").strip().removeprefix("#")
    known = digits.isascii() and digits.isdigit() and len(digits) < 9
    return Q(number=int(digits)) if known else Q(pk=None)


def rows(experiments: Sequence[Experiment]) -> list[dict[str, Any]]:
    """What the list says of each: its only run, or where all of them stand, and its settings. Two queries, no curve is read."""
    counted = Run.objects.filter(experiment__in=experiments).values("experiment", "status").order_by().annotate(
        n=Count("pk"), first=Min("number"), last=Max("number"), asked=Max("queued_at"))
    said: dict[UUID, list[dict[str, Any]]] = {each.pk: [] for each in experiments}
    for row in counted:
        said[row["experiment"]].append(row)
    firsts = {pk: min(row["first"] for row in many) for pk, many in said.items() if many}
    first = {run.experiment_id: run for run in listed(Run.objects.filter(experiment__in=firsts, number__in=firsts.values()))
             if run.number == firsts[run.experiment_id]} if firsts else {}
    runs = {pk: run for pk, run in first.items() if sum(row["n"] for row in said[pk]) == 1}
    titles = {name: recipe.title for recipe in menu.recipes().values() for name in menu.names(recipe)}
    several = {each.pk: len(dict(each.sweep).get(RECIPE, ())) for each in experiments}
    return [{"experiment": each, "run": runs.get(each.pk), "apart": _apart(each, first.get(each.pk), is_alone=each.pk in runs),
             "title": f"{several[each.pk]} recipes" if several[each.pk] else titles.get(each.recipe, each.recipe),
             **_together(said[each.pk])} for each in experiments]


def _apart(experiment: Experiment, first: Run | None, *, is_alone: bool) -> str:
    if first is None:
        return ""
    return first.apart if is_alone else apart.of_experiment(experiment, first)  # type: ignore[attr-defined]


def _together(many: list[dict[str, Any]]) -> dict[str, Any]:
    counts = {row["status"]: row["n"] for row in many}
    runs = sum(counts.values())
    return {"runs": runs, "finished": counts.get(Status.FINISHED, 0), "failed": counts.get(Status.FAILED, 0),
            "ended": sum(counts.get(status, 0) for status in ENDED),
            "state": _state(counts), "first": min((row["first"] for row in many), default=None),
            "last": max((row["last"] for row in many), default=None), "asked": max((row["asked"] for row in many), default=None)}


def _state(counts: dict[str, int]) -> str:
    """The one word for all: what goes on comes before what waits, what broke before what is well."""
    order = (*HELD, Status.QUEUED, Status.FAILED, Status.CANCELLED, Status.FINISHED)
    return next((status.value for status in order if counts.get(status)), "")
