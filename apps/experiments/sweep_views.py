"""The page of an experiment with several runs, and what is done with all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import answers, teams
from apps.accounts.refusal import Refused
from apps.experiments import actions
from apps.experiments.models import Experiment, Run
from apps.experiments.overview import overview
from apps.experiments.page import page_context


@require_safe
def experiment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Several runs are shown together; one is shown itself."""
    found = visible(request, pk)
    alone = only_run(found)
    return redirect("run", pk=alone) if alone else render(request, "experiments/experiment.html", overview(request, found))


@require_safe
def now(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragments: the parts of the page that change while runs go on, in one answer."""
    return render(request, "experiments/_now.html", overview(request, visible(request, pk)))


@require_POST
def cancel_all(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, actions.cancel_all)


@require_POST
def retry_failed(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, actions.retry_failed)


@require_POST
def archive(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, actions.archive)


@require_POST
def restore(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, actions.restore)


@require_POST
def rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    name = request.POST.get("name", "")
    return _typed(request, pk, lambda user, found: actions.rename(user, found, name, request.POST.get("seen")), "name", name)


@require_POST
def more_seeds(request: HttpRequest, pk: UUID) -> HttpResponse:
    repeat = request.POST.get("repeat", "")
    found = editable(request, pk)
    try:
        actions.more_seeds(teams.person(request), found, repeat)
    except Refused as refused:
        return again(request, found, 422, typed={"repeat": repeat[:100]}, wrong={"repeat": " ".join(refused.errors.values())})
    return redirect("experiment", pk=pk)


@require_POST
def tag(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whoever has added one stands in the field for the next."""
    words = request.POST.get("tags", "")
    answer = _typed(request, pk, lambda user, found: actions.tag(user, found, words), "tags", words)
    return redirect(f"{answer['Location']}#id_tags") if "Location" in answer else answer


@require_POST
def untag(request: HttpRequest, pk: UUID) -> HttpResponse:
    word = request.POST.get("tag", "")
    return _act(request, pk, lambda user, found: actions.untag(user, found, word))


def visible(request: HttpRequest, pk: UUID) -> Experiment:
    rows = Experiment.objects.visible_to(request.user).select_related("created_by", "team")
    found: Experiment = get_object_or_404(rows, pk=pk)
    return found


def editable(request: HttpRequest, pk: UUID) -> Experiment:
    rows = Experiment.objects.editable_by(request.user).select_related("created_by", "team")
    found: Experiment = get_object_or_404(rows, pk=pk)
    return found


def only_run(experiment: Experiment) -> UUID | None:
    runs = list(experiment.runs.values_list("pk", flat=True)[:2])
    return runs[0] if len(runs) == 1 else None


def again(request: HttpRequest, experiment: Experiment, status: int, **more: Any) -> HttpResponse:
    """The page from which it was asked, with what was typed and what is wrong with it."""
    alone = only_run(experiment)
    if alone:
        rows = Run.objects.visible_to(request.user).select_related("experiment", "experiment__created_by", "team", "stream",
                                                                  "cancelled_by")
        context = page_context(request, get_object_or_404(rows, pk=alone))
        return render(request, "experiments/run.html", context | more, status=status)
    return render(request, "experiments/experiment.html", overview(request, experiment) | more, status=status)


def _act(request: HttpRequest, pk: UUID, action: Callable[[Any, Experiment], object]) -> HttpResponse:
    """Do it and show the experiment; what cannot be done is said on its page."""
    found = editable(request, pk)
    try:
        action(teams.person(request), found)
    except Refused as refused:
        return again(request, found, 409, refused=" ".join(refused.errors.values()))
    return redirect("experiment", pk=pk)


def _typed(request: HttpRequest, pk: UUID, action: Callable[[Any, Experiment], object], field: str, text: str) -> HttpResponse:
    found = editable(request, pk)
    try:
        action(teams.person(request), found)
    except Refused as refused:
        return again(request, found, answers.status(refused), typed={field: text[:500]},
                     wrong={field: " ".join(refused.errors.values())})
    return redirect("experiment", pk=pk)
