"""The list of runs, the page of one run with its fragments, and its files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import answers, teams
from apps.accounts.refusal import Refused
from apps.catalog.models import RegisteredModel
from apps.catalog.views import attachment
from apps.experiments import actions, listing
from apps.experiments import run_blocks as blocks_of
from apps.experiments import run_parts as parts_of
from apps.experiments.forms import RenameForm, form_for
from apps.experiments.models import Run, RunFile, RunVariant
from apps.experiments.page import files_context, head_context, page_context, variants_context
from apps.experiments.results import listed, recipe_of
from worker import menu

PAGE = 25
UNCHANGED = "Nothing was changed: these values are in force already."
# The page of a run whose part that changes it is unfolded: who has changed something may look and change it once more.
CHANGING = "?changing=1"


@require_safe
def experiments(request: HttpRequest) -> HttpResponse:
    # get_page takes any text: an unknown page is the nearest one.
    page = Paginator(listing.filtered(request).select_related("created_by"), PAGE).get_page(request.GET.get("page"))
    asked = listing.asked(request)
    context = {"page": page, "rows": listing.rows(list(page.object_list)), "asked": asked,
               "recipes": menu.recipes().values(), "statuses": [*listing.FILTERS, listing.ARCHIVED],
               "is_filtered": any(asked.values())}
    return render(request, "experiments/experiments.html", context)


@require_safe
def run(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "experiments/run.html", page_context(request, visible(request, pk)))


@require_safe
def run_head(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "experiments/_head.html", head_context(request, visible(request, pk)))


@require_safe
def run_variants(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "experiments/_variants.html", variants_context(request, visible(request, pk)))


@require_safe
def run_blocks(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "experiments/_blocks.html", blocks_of.context(visible(request, pk), request.GET.dict()))


@require_safe
def run_files(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "experiments/_files.html", files_context(visible(request, pk)))


@require_safe
def run_environment(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "experiments/_environment.html", {"run": visible(request, pk)})


@require_safe
def run_parts(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "experiments/_parts.html", parts_of.context(visible(request, pk), teams.person(request)))


@require_safe
def run_file(request: HttpRequest, pk: UUID, file: int) -> FileResponse:
    mine = RunFile.objects.filter(run__in=Run.objects.visible_to(request.user))
    found = get_object_or_404(mine, run_id=pk, pk=file)
    return attachment(found.blob_id, found.file_name, found.media_type)


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, actions.cancel)


@require_POST
def retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, actions.retry)


@require_POST
def rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Call the experiment something else; what was typed comes back beside what is wrong with it."""
    found = editable(request, pk)
    form, status = RenameForm(request.POST), 422
    if form.is_valid():
        try:
            actions.rename(teams.person(request), found.experiment, form.cleaned_data["name"], request.POST.get("seen"))
            return redirect("run", pk=pk)
        except Refused as refused:
            form.add_error("name", " ".join(refused.errors.values()))
            status = answers.status(refused)
    return render(request, "experiments/run.html", page_context(request, found, rename_form=form), status=status)


@require_POST
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Set parameters that the recipe reads while it runs."""
    found = editable(request, pk)
    recipe = recipe_of(found)
    if recipe is None or not recipe.params.live_fields():
        return redirect("run", pk=pk)
    user = teams.person(request)
    # Validated together with what the run has, so that a missing required field is never the complaint.
    form = form_for(recipe, user, found.team, recipe.params.live_fields())(request.POST)
    form.known = {**found.params, **found.live_params}
    if form.is_valid():
        try:
            if not actions.change_live(user, found, form.values() | form.emptied()):
                messages.success(request, UNCHANGED)
            return redirect(f"{reverse('run', args=[pk])}{CHANGING}")
        except Refused as refused:
            form.refuse(refused.errors)
    return render(request, "experiments/run.html", page_context(request, found, live_form=form), status=422)


@require_safe
def runs_of_model(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment for the model's page: runs that were given a variant of it, or made one; however many variants it has."""
    model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
    variants = model.variants.order_by()
    made = RunVariant.objects.filter(variant__in=variants).values("run")
    given = variants.annotate(text=Cast("pk", TextField())).values("text")
    shown = Run.objects.visible_to(request.user).filter(experiment__archived=None)
    rows = shown.annotate(model=KT("inputs__model__id")).filter(Q(pk__in=made) | Q(model__in=given))
    return render(request, "experiments/_runs.html", {"runs": listed(rows.order_by("-number")[:20])})


def visible(request: HttpRequest, pk: UUID) -> Run:
    rows = Run.objects.visible_to(request.user).select_related("experiment", "experiment__created_by", "team", "stream",
                                                              "cancelled_by")
    found: Run = get_object_or_404(rows, pk=pk)
    return found


def editable(request: HttpRequest, pk: UUID) -> Run:
    rows = Run.objects.editable_by(request.user).select_related("experiment", "team", "stream")
    found: Run = get_object_or_404(rows, pk=pk)
    return found


def _act(request: HttpRequest, pk: UUID, action: Any) -> HttpResponse:
    """Do it and show the run; what cannot be done is said on its page."""
    found = editable(request, pk)
    try:
        action(teams.person(request), found)
    except Refused as refused:
        context = page_context(request, visible(request, pk)) | {"refused": " ".join(refused.errors.values())}
        return render(request, "experiments/run.html", context, status=409)
    return redirect("run", pk=pk)
