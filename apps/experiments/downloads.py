"""Every table of runs and experiments as CSV, written while it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Func, QuerySet
from django.db.models.fields.json import KeyTransform
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apps.experiments import listing, switched
from apps.experiments.compare import FEWEST, MOST, chosen, comparison
from apps.experiments.models import Experiment, Run
from apps.experiments.overview import compared_by, gathered, switched_rows, values_of
from apps.experiments.results import results, results_of, title_of
from apps.experiments.spread import MEASURES, Combination, combined
from apps.experiments.studies import RECIPE
from apps.experiments.sweep_views import visible as visible_experiment
from apps.experiments.versus import COLUMNS, Answer, answered
from apps.live.tables import Table
from worker import menu

CHUNK, MOST_LABELS = 2000, 30
POINT = ("name", "step", "value")
NOTHING: tuple[Any, ...] = (0, None, None)
FACTS = ("name", "accuracy", "accuracy_low", "accuracy_high", "accuracy_n", "accuracy_of", "accuracy_data", "latency_ms",
         "latency_low", "latency_high", "latency_engine", "latency_device", "latency_threads", "latency_batch", "latency_noisy",
         "origin", "params", "macs", "size_bytes", "activation_bytes")
MEASURED = ("variant_name", "metric", "value", "unit", "low", "high", "n", "origin", "device", "engine", "threads", "batch",
            "dataset", "split", "noisy", "created")


@require_safe
def metrics(request: HttpRequest, pk: UUID) -> Table:
    """Every point of every curve, a column for each label."""
    run = _run(request, pk)
    events = run.stream.events.filter(type="metric")
    keys = events.order_by().values_list(Func(KeyTransform("labels", "body"), function="jsonb_object_keys"), flat=True).distinct()
    labels = sorted(keys[:MOST_LABELS])
    rows = events.order_by("seq").values_list("seq", "at", "body").iterator(chunk_size=CHUNK)
    said = ((seq, at, *(body.get(part) for part in POINT), *((body.get("labels") or {}).get(label) for label in labels))
            for seq, at, body in rows)
    return Table(f"run {run.number} metrics", ["seq", "at", *POINT, *labels], said)


@require_safe
def log(request: HttpRequest, pk: UUID) -> Table:
    run = _run(request, pk)
    rows = run.stream.events.filter(type="log").order_by("seq").values_list("seq", "at", "body").iterator(chunk_size=CHUNK)
    said = ((seq, at, body.get("level"), body.get("message")) for seq, at, body in rows)
    return Table(f"run {run.number} log", ["seq", "at", "level", "message"], said)


@require_safe
def variants(request: HttpRequest, pk: UUID) -> Table:
    run = _run(request, pk)
    return Table(f"run {run.number} variants", FACTS, ([getattr(row, name) for name in FACTS] for row in results(run)))


@require_safe
def measurements(request: HttpRequest, pk: UUID) -> Table:
    run = _run(request, pk)
    rows = run.measurements.order_by("created", "pk").values_list(*MEASURED).iterator(chunk_size=CHUNK)
    return Table(f"run {run.number} measurements", MEASURED, rows)


@require_safe
def experiment_table(request: HttpRequest, pk: UUID) -> Table:
    """Combinations with their means and spreads."""
    found = visible_experiment(request, pk)
    runs, fields = list(found.runs.order_by("number")), [field for field, _ in found.sweep]
    titled = [name for field in fields for name in ([field, "recipe_title"] if field == RECIPE else [field])]
    head = [*titled, "variant", "n", *(f"{name}_{part}" for name in MEASURES for part in ("n", "mean", "sd")), "noise"]
    return Table(f"{found.name} table", head, (
        [*(value for field in fields for value in _titled(each, field)), each.name,
         len({run.params.get("seed") for run, _ in each.rows}),
         *(value for name in MEASURES for value in (each.of(name) or NOTHING)), each.qualified]
        for each in combined(runs, results_of(runs, trained=False), fields)))


def _titled(each: Combination, field: str) -> list[Any]:
    """A value; of a recipe its name and its title, in every table."""
    return [each.rows[0][0].recipe, title_of(each.rows[0][0])] if field == RECIPE else [each.values.get(field)]


@require_safe
def experiment_runs(request: HttpRequest, pk: UUID) -> Table:
    found = visible_experiment(request, pk)
    return _runs_table(f"{found.name} runs", found.runs.all(), [field for field, _ in found.sweep if field != RECIPE])


@require_safe
def experiment_switched(request: HttpRequest, pk: UUID) -> Table:
    """What switching took in each run that has told it; no row where none switches."""
    found = visible_experiment(request, pk)
    fields, names = [field for field, _ in found.sweep], switched.NUMBERS
    rows = switched_rows(list(found.runs.order_by("number")), fields)
    return Table(f"{found.name} switching", ["run", *fields, "seed", *names, "noisy"], (
        [row["run"].number, *(value for _, value in row["values"]), row["seed"], *(row["numbers"][name] for name in names),
         bool(row["run"].summary.get("drive_noisy"))] for row in rows))


@require_safe
def experiment_equal(request: HttpRequest, pk: UUID) -> Table:
    """The settings that are compared with each other, as the page shows them: those of one match share its number."""
    found, answer = _answered(request, pk)
    numbers = [f"{name}_{part}" for name in COLUMNS for part in ("n", "mean", "sd")]
    head = ["match", "compared", "recipe", "recipe_title", "setting", "is_baseline", *numbers, "noise"]
    matches = [match for match in answer.matches if match.beside] if answer else []
    return Table(f"{found.name} {answer.heading if answer else ''}", head, (
        [number, each.arm, *_titled(each.each, RECIPE), each.label, each is match.base,
         *(value for name in COLUMNS for value in (each.of(name) or NOTHING)), each.each.qualified]
        for number, match in enumerate(matches, start=1)
        for each in (match.base, *match.beside.values())))


@require_safe
def experiment_tests(request: HttpRequest, pk: UUID) -> Table:
    """Each paired test that the page shows, and what may be said of it."""
    found, answer = _answered(request, pk)
    names = found.runs.order_by().values_list("recipe", flat=True).distinct()
    recipes = {known.title: name for name in names if (known := menu.find(name))}
    baseline = answer.question.baseline if answer else ""
    head = ["compared", "compared_recipe", "baseline", "baseline_recipe", "settings", "measure", "n", "seeds", "mean_difference",
            "low_95", "high_95", "p", "p_holm", "conclusion"]
    return Table(f"{found.name} tests", head, (
        [each.arm, recipes.get(each.arm, found.recipe), baseline, recipes.get(baseline, found.recipe), each.of, each.measure,
         each.test.n if each.test else 0, " ".join(map(str, each.seeds)),
         *(each.test[1:5] if each.test else (None,) * 4), each.p_holm, each.words]
        for each in ((*answer.verdicts, *answer.by_setting) if answer else ())))


def _answered(request: HttpRequest, pk: UUID) -> tuple[Experiment, Answer | None]:
    found = visible_experiment(request, pk)
    said, by = gathered(found), compared_by(request.GET.get("colour", ""), found)
    return found, answered(request.GET.dict(), said.combinations, by, values_of(said.runs, by))


@require_safe
def experiments(request: HttpRequest) -> Table:
    """Every run of the experiments that the list shows, with its filters."""
    mine = Run.objects.visible_to(request.user).filter(experiment__in=listing.filtered(request).order_by())
    return _runs_table("experiments", mine, [])


@require_safe
def compared(request: HttpRequest) -> Table:
    """What the comparison shows: differences, results and curves, a column for each run."""
    runs = chosen(request)
    if not FEWEST <= len(runs) <= MOST:
        raise Http404
    said = comparison(request, runs)
    return Table("comparison", ["what", "name", *(f"run {run.number}" for run in runs)], _compared(said))


def _compared(said: dict[str, Any]) -> Iterator[list[Any]]:
    yield from ([row["kind"], row["name"], *row["values"]] for row in said["differences"])
    yield from (["result", row["name"], *row["values"]] for row in said["results"])
    yield from (["way", f"{row['way']}: {name}", *(cell and cell[name] for cell in row["cells"])]
                for row in said["ways"] for name in switched.NUMBERS)
    for name, word in (("latency_noisy", "latency_noisy"), ("origin", "latency_origin")):
        yield ["result", word, *(getattr(each["best"], name, None) for each in said["runs"])]
    way = f"{said['way']} {said['step']}" if said["way"] == "at" else said["way"]
    for row in said["curves"]:
        name = f"{row['name']} ({row['labels']})" if row["labels"] else row["name"]
        yield [f"curve, {way}", name, *(value and value[0] for value in row["values"])]


def _runs_table(name: str, runs: QuerySet[Run], fields: list[str]) -> Table:
    columns = ("number", "experiment__name", "recipe", "status", "params", "queued_at", "started_at", "finished_at", "attempt",
               "worker", "reason", "summary", "experiment__tags")
    head = ["run", "experiment", "recipe", "status", "seed", *fields, "queued_at", "started_at", "finished_at", "attempt",
            "worker", "reason", "verdict", "tags"]
    rows = runs.order_by("-number").values_list(*columns).iterator(chunk_size=CHUNK)
    return Table(name, head, (_run_row(row, fields) for row in rows))


def _run_row(row: tuple[Any, ...], fields: list[str]) -> list[Any]:
    number, name, recipe, status, params, queued, started, finished, attempt, worker, reason, summary, tags = row
    return [number, name, recipe, status, params.get("seed"), *(params.get(field) for field in fields), queued, started, finished,
            attempt, worker, reason, summary.get("verdict"), ", ".join(tags)]


def _run(request: HttpRequest, pk: UUID) -> Run:
    found: Run = get_object_or_404(Run.objects.visible_to(request.user).select_related("stream"), pk=pk)
    return found
