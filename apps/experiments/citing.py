"""What to cite: the papers of the recipes that were used, as a BibTeX file of a run, an experiment, a comparison or a recipe."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apps.experiments.compare import chosen
from apps.experiments.models import Experiment, Run
from apps.experiments.new import on_the_menu
from apps.experiments.studies import papers_of, recipes_of


@require_safe
def of_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    run = get_object_or_404(Run.objects.visible_to(request.user).only("recipe", "number", "team"), pk=pk)
    return _file([run.recipe], f"run-{run.number}")


@require_safe
def of_experiment(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Experiment.objects.visible_to(request.user), pk=pk)
    return _file(recipes_of(found.recipe, found.sweep), "experiment")


@require_safe
def of_comparison(request: HttpRequest) -> HttpResponse:
    runs = chosen(request)
    if not runs:
        raise Http404
    return _file([run.recipe for run in runs], "comparison")


@require_safe
def of_recipe(request: HttpRequest, recipe: str) -> HttpResponse:
    found = on_the_menu(recipe)
    return _file([found.name], found.name.replace(".", "-"))


def _file(recipes: Iterable[str], name: str) -> HttpResponse:
    text = "\n".join(paper.bibtex for paper in papers_of(recipes)) or "% These recipes name no paper.\n"
    headers = {"Content-Disposition": f'attachment; filename="{name}.bib"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="application/x-bibtex; charset=utf-8", headers=headers)
