"""Recipes, experiments and runs: launch, watch, stop, and take along what they leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from apps.accounts import teams
from apps.accounts.models import User
from apps.accounts.refusal import Refused
from apps.accounts.wire import BINARY, Listed, Page, Paging, editable_team, ordered, paged, team_of
from apps.experiments import actions, labelled
from apps.experiments.compare import FEWEST, MOST, chosen, comparison
from apps.experiments.listing import of_recipe
from apps.experiments.models import LIVE, Experiment, Run
from apps.experiments.overview import compared_by, gathered, values_of
from apps.experiments.studies import Own
from apps.experiments.tags import clean
from apps.experiments.versus import answered, told
from apps.experiments.views import run_file as run_attachment
from apps.experiments.wire import (
    Change,
    Compare,
    Comparison,
    ExperimentChange,
    ExperimentOut,
    Experiments,
    FileOut,
    Launch,
    MeasurementOut,
    MoreSeeds,
    OnLabel,
    RecipeOut,
    RecipeRow,
    RunOut,
    RunRow,
    Runs,
    Versus,
    VersusOut,
    Words,
    recipe_told,
    run_told,
)
from worker import menu

router = Router()
ORDERS = ("number", "queued_at", "started_at", "finished_at")


@router.get("/recipes", response=Page[RecipeRow], tags=["recipes"])
def list_recipes(request: HttpRequest, asked: Listed) -> dict[str, Any]:
    """What can be run."""
    text = asked.q.strip().lower()
    found = [each for each in menu.recipes().values() if text in f"{each.name} {each.title}".lower()]
    first = (asked.page - 1) * asked.page_size
    return {"items": found[first:first + asked.page_size], "total": len(found), "page": asked.page, "page_size": asked.page_size}


@router.get("/recipes/{recipe}", response=RecipeOut, tags=["recipes"])
def get_recipe(request: HttpRequest, recipe: str) -> dict[str, Any]:
    """One recipe with the JSON schema of its parameters, its presets and its charts."""
    return recipe_told(recipe)


@router.post("/experiments", response={201: ExperimentOut}, tags=["experiments"])
def launch(request: HttpRequest, asked: Launch) -> Status[Any]:
    """Start a recipe; several values in "sweep", a "repeat" over 1 and recipes in "compare_with" make a run for each of them."""
    team = editable_team(request, asked.team)
    made = actions.launch_sweep(teams.person(request), team, asked.recipe, asked.params, asked.sweep, asked.repeat, asked.name,
                                asked.tags, {name: Own(each.params, each.sweep) for name, each in asked.compare_with.items()})
    return Status(201, _experiments([made])[0])


@router.post("/experiments/on-label", response={201: ExperimentOut}, tags=["experiments"])
def measure_on_label(request: HttpRequest, asked: OnLabel) -> Status[Any]:
    """Time a network on every device with a label, a run each, with ONNX Runtime everywhere."""
    team = editable_team(request, asked.team)
    made = labelled.measure_on_label(teams.person(request), team, asked.label, asked.params)
    return Status(201, _experiments([made])[0])


@router.get("/experiments", response=Page[ExperimentOut], tags=["experiments"])
def list_experiments(request: HttpRequest, asked: Annotated[Experiments, Query()]) -> dict[str, Any]:
    """What the team asked for, the newest first; archived ones only where that is asked for."""
    rows = Experiment.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team))
    rows = rows.filter(archived__isnull=not asked.archived)
    rows = rows.filter(of_recipe([asked.recipe])) if asked.recipe else rows
    rows = rows.filter(tags__contains=[clean(asked.tag)]) if asked.tag else rows
    rows = rows.filter(name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(ordered(rows, asked.order, ("created", "name")).select_related("created_by"), asked, _experiments)


@router.get("/experiments/{uuid:experiment}", response=ExperimentOut, tags=["experiments"])
def get_experiment(request: HttpRequest, experiment: UUID) -> dict[str, Any]:
    """What was asked, and how many of its runs are in each status."""
    return _experiments([get_object_or_404(Experiment.objects.visible_to(teams.person(request)), pk=experiment)])[0]


@router.patch("/experiments/{uuid:experiment}", response=ExperimentOut, tags=["experiments"])
def change_experiment(request: HttpRequest, experiment: UUID, asked: ExperimentChange) -> dict[str, Any]:
    """Rename it."""
    return _done(request, experiment, lambda user, found: actions.rename(user, found, asked.name))


@router.post("/experiments/{uuid:experiment}/archive", response=ExperimentOut, tags=["experiments"])
def archive_experiment(request: HttpRequest, experiment: UUID) -> dict[str, Any]:
    """Out of lists and choices; nothing is deleted."""
    return _done(request, experiment, actions.archive)


@router.post("/experiments/{uuid:experiment}/restore", response=ExperimentOut, tags=["experiments"])
def restore_experiment(request: HttpRequest, experiment: UUID) -> dict[str, Any]:
    """Back from the archive."""
    return _done(request, experiment, actions.restore)


@router.post("/experiments/{uuid:experiment}/tags", response=ExperimentOut, tags=["experiments"])
def tag_experiment(request: HttpRequest, experiment: UUID, asked: Words) -> dict[str, Any]:
    """Add tags: free words, several parted by commas."""
    return _done(request, experiment, lambda user, found: actions.tag(user, found, asked.words))


@router.post("/experiments/{uuid:experiment}/untag", response=ExperimentOut, tags=["experiments"])
def untag_experiment(request: HttpRequest, experiment: UUID, asked: Words) -> dict[str, Any]:
    """Take one tag away."""
    return _done(request, experiment, lambda user, found: actions.untag(user, found, asked.words))


@router.post("/experiments/{uuid:experiment}/cancel", response=ExperimentOut, tags=["experiments"])
def cancel_experiment(request: HttpRequest, experiment: UUID) -> dict[str, Any]:
    """Ask every run of it that waits or runs to stop."""
    return _done(request, experiment, actions.cancel_all)


@router.post("/experiments/{uuid:experiment}/retry", response=ExperimentOut, tags=["experiments"])
def retry_experiment(request: HttpRequest, experiment: UUID) -> dict[str, Any]:
    """Queue every failed run of it again."""
    return _done(request, experiment, actions.retry_failed)


@router.post("/experiments/{uuid:experiment}/seeds", response=ExperimentOut, tags=["experiments"])
def more_seeds(request: HttpRequest, experiment: UUID, asked: MoreSeeds) -> dict[str, Any]:
    """Further runs of each combination, with the seeds that follow the highest one."""
    return _done(request, experiment, lambda user, found: actions.more_seeds(user, found, asked.repeat))


@router.get("/experiments/{uuid:experiment}/versus", response=VersusOut, tags=["experiments"])
def compare_recipes(request: HttpRequest, experiment: UUID, asked: Annotated[Versus, Query()]) -> dict[str, Any]:
    """Its recipes, or the values of a swept field, side by side at equal settings or budgets, and tested in pairs."""
    found = get_object_or_404(Experiment.objects.visible_to(teams.person(request)), pk=experiment)
    by, said = compared_by(asked.colour, found), gathered(found)
    question = {name: str(value) for name, value in asked.model_dump().items()}
    answer = answered(question, said.combinations, by, values_of(said.runs, by))
    if answer is None:
        raise Refused({"colour": "There is nothing to compare: name a swept field with two to twelve values."})
    if asked.baseline and asked.baseline != answer.question.baseline:
        raise Refused({"baseline": f"There is no {asked.baseline[:80]!r}; there are: {', '.join(answer.arms)}."})
    return told(answer)


@router.get("/runs", response=Page[RunRow], tags=["runs"])
def list_runs(request: HttpRequest, asked: Annotated[Runs, Query()]) -> dict[str, Any]:
    """The team's runs, the newest first."""
    rows: QuerySet[Run] = Run.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team))
    rows = rows.filter(status__in=LIVE if asked.status == "live" else (asked.status,)) if asked.status else rows
    rows = rows.filter(recipe=asked.recipe) if asked.recipe else rows
    rows = rows.filter(experiment=asked.experiment) if asked.experiment else rows
    rows = rows.filter(experiment__name__icontains=asked.q.strip()) if asked.q.strip() else rows
    rows = ordered(rows, asked.order, ORDERS).select_related("experiment").defer("trace", "environment")
    return paged(rows, asked)


@router.get("/runs/{uuid:run}", response=RunOut, tags=["runs"])
def get_run(request: HttpRequest, run: UUID) -> dict[str, Any]:
    """One run: how far it is, what it was given, and one result a variant."""
    return run_told(_run(request, run))


@router.get("/runs/{uuid:run}/measurements", response=Page[MeasurementOut], tags=["runs"])
def list_measurements(request: HttpRequest, run: UUID, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
    """Every number it measured, with all that the number depends on."""
    return paged(_run(request, run).measurements.order_by("created", "pk"), asked)


@router.get("/runs/{uuid:run}/files", response=Page[FileOut], tags=["runs"])
def list_files(request: HttpRequest, run: UUID, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
    """The files it left."""
    return paged(_run(request, run).files.select_related("blob").order_by("name", "pk"), asked)


@router.get("/runs/{uuid:run}/files/{int:file}", response=bytes, tags=["runs"], openapi_extra=BINARY)
def get_file(request: HttpRequest, run: UUID, file: int) -> FileResponse:
    """One file it left, as a download."""
    return run_attachment(request, run, file)


@router.post("/runs/{uuid:run}/cancel", response=RunOut, tags=["runs"])
def cancel_run(request: HttpRequest, run: UUID) -> dict[str, Any]:
    """Ask it to stop; what it has made so far stays."""
    return _run_done(request, run, actions.cancel)


@router.post("/runs/{uuid:run}/retry", response=RunOut, tags=["runs"])
def retry_run(request: HttpRequest, run: UUID) -> dict[str, Any]:
    """Queue a failed or cancelled run again; it goes on from its last checkpoint."""
    return _run_done(request, run, actions.retry)


@router.post("/runs/{uuid:run}/change", response=RunOut, tags=["runs"])
def change_run(request: HttpRequest, run: UUID, asked: Change) -> dict[str, Any]:
    """Set parameters that the recipe reads while it runs."""
    return _run_done(request, run, lambda user, found: actions.change_live(user, found, asked.params))


@router.get("/compare", response=Comparison, tags=["runs"])
def compare_runs(request: HttpRequest, asked: Annotated[Compare, Query()]) -> dict[str, Any]:
    """Two to eight runs side by side: what differs, their best results, one number of each curve."""
    runs = chosen(request)
    if len(runs) < FEWEST:
        raise Refused({"run": f"Name {FEWEST} to {MOST} different runs; got {len(runs)}."})
    found = comparison(request, runs)
    if found["step_error"]:
        raise Refused({"step": found["step_error"]})
    return {**found, "runs": [run.pk for run in runs]}


def _run(request: HttpRequest, pk: UUID) -> Run:
    rows = Run.objects.visible_to(teams.person(request)).select_related("experiment", "stream")
    found: Run = get_object_or_404(rows, pk=pk)
    return found


def _run_done(request: HttpRequest, pk: UUID, action: Callable[[User, Run], object]) -> dict[str, Any]:
    user = teams.person(request)
    action(user, get_object_or_404(Run.objects.editable_by(user).select_related("experiment", "stream"), pk=pk))
    return run_told(_run(request, pk))


def _done(request: HttpRequest, pk: UUID, action: Callable[[User, Experiment], object]) -> dict[str, Any]:
    user = teams.person(request)
    action(user, get_object_or_404(Experiment.objects.editable_by(user), pk=pk))
    return get_experiment(request, pk)


def _experiments(found: list[Experiment]) -> list[dict[str, Any]]:
    """Each with its runs counted by status, in one query for all."""
    counts: dict[UUID, dict[str, int]] = {each.pk: {} for each in found}
    rows = Run.objects.filter(experiment__in=found).values_list("experiment", "status").annotate(runs=Count("pk")).order_by()
    for pk, status, runs in rows:
        counts[pk][status] = runs
    return [{**{name: getattr(each, name) for name in ("id", "team_id", "name", "recipe", "tags", "archived", "created")},
             "sweep": dict(each.sweep), "created_by": str(each.created_by) if each.created_by else None,
             "runs": counts[each.pk]} for each in found]
