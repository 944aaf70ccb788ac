"""What the page of an experiment says: its runs, how far they are, and what came out over seeds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from apps.accounts import teams
from apps.accounts.sight import mark
from apps.experiments import reading, switched
from apps.experiments.models import ENDED, HELD, LIVE, Experiment, Run, Status
from apps.experiments.repeating import lines
from apps.experiments.results import best, inputs, listed, results_of, title_of
from apps.experiments.spread import OF_SOME, Combination, Spread, changed, combined, in_force, known, unlike
from apps.experiments.studies import RECIPE, papers_of, recipes_of
from apps.experiments.sweeps import inner
from apps.experiments.versus import MEASURE_WORDS, shown
from worker import menu
from worker.recipe import Recipe

SORTS = ("accuracy", "latency_ms", "params", "size_bytes", *OF_SOME)
# What a point can lie at, beside the values of a swept field.
MEASURED_X = ("latency_ms", "params", *OF_SOME)
DOUBT = 0.25
# What tells points apart where runs were given several networks, and no field does.
NETWORK = "network"
SHORT = {MEASURE_WORDS["seconds"]: "time"}


class Gathered(NamedTuple):
    """The runs of an experiment with what they measured, and the same taken together over seeds."""

    runs: list[Run]
    rows: dict[UUID, list[reading.Result]]
    combinations: list[Combination]


def gathered(experiment: Experiment) -> Gathered:
    """In a fixed number of queries."""
    runs = listed(experiment.runs.order_by("number"))
    rows = results_of(runs, trained=False)
    return Gathered(runs, rows, [_named(each) for each in combined(runs, rows, [field for field, _ in experiment.sweep])])


def overview(request: HttpRequest, experiment: Experiment) -> dict[str, Any]:
    """Everything of the page; so many queries for one run as for two hundred."""
    runs, rows, combinations = gathered(experiment)
    fields = [field for field, _ in experiment.sweep]
    recipe = menu.find(experiment.recipe)
    by = compared_by(request.GET.get("colour", ""), experiment)
    colours = [*([NETWORK] if switched.is_switched(runs) else []), *fields]
    colour = next((each for each in (request.GET.get("colour", ""), *colours) if each in colours), "")
    against, places = shown(request, combinations, by, values_of(runs, by)), switched.places(runs)
    return {
        "experiment": experiment, "seen": mark(experiment.name), "fields": fields, "colour": colour,
        "title": recipe.title if recipe else experiment.recipe,
        "may_edit": teams.may_edit(teams.person(request), experiment.team),
        "runs": [_run_row(run, rows[run.pk], fields) for run in runs], **_state(runs), **_table(request, combinations, fields),
        "noise": reading.disturbed(sum(any(row.latency_noisy for row in each) for each in rows.values())),
        "warnings": unlike(row for each in rows.values() for row in each) + changed(runs),
        "switched": switched_rows(runs, fields),
        "colours": [{"field": field, "chosen": field == colour} for field in colours], "versus": against["versus"],
        "points": json.dumps(_points(recipe, combinations, fields, colour, places)), "paired": json.dumps(against["paired"]),
        "first": runs[0] if runs else None, "papers": papers_of(recipes_of(experiment.recipe, experiment.sweep)),
        **_lines(request, runs),
        "page_config": {"live": reverse("experiment-now", args=[experiment.pk]), "recipe": experiment.recipe,
                        "title": recipe.title if recipe else experiment.recipe,
                        "recipes": {title_of(run): run.recipe for run in runs}, "values": values_of(runs, by),
                        "charts": [_chart(recipe, fields, combinations) | {
                            "by": colour.replace("_", " "), "labels": ", ".join(_beside_points(combinations, fields, colour))},
                                   *_paired_chart(against["versus"], is_plain=colour == NETWORK)]},
    }


def switched_rows(runs: Sequence[Run], fields: Sequence[str]) -> list[dict[str, Any]]:
    """Runs that switched networks, with what that took; nothing where none has told it."""
    return [{"run": run, "seed": run.params.get("seed"), "numbers": told,
             "values": [(field, _value(run, field)) for field in fields]}
            for run in runs if (told := switched.of_run(run))]


def _lines(request: HttpRequest, runs: Sequence[Run]) -> dict[str, Any]:
    given = inputs(runs[0]) if runs else []
    said = lines(runs, request.build_absolute_uri("/api/experiments"), {each["field"]: each["file"] for each in given})
    return {"given": [each for each in given if each["kind"] != "device"], "curl": said.curl, "shell": said.shell}


def _paired_chart(versus: dict[str, Any] | None, *, is_plain: bool) -> list[dict[str, Any]]:
    """`is_plain`: colours are somebody else's on this page."""
    if versus is None:
        return []
    baseline, measure = versus["question"].baseline, versus["measure"]
    return [{"kind": "paired", "title": f"{measure[:1].upper()}{measure[1:]} against {_arm(versus['by'], baseline)}",
             "x_title": f"difference in {SHORT.get(measure, measure)}, {versus['unit']}", "by": versus["by"],
             "unit": versus["unit"], "held": versus["heading"], "plain": is_plain}]


def values_of(runs: Sequence[Run], field: str) -> list[str]:
    """The values of a field among these runs, each once, as readers know them."""
    return list(dict.fromkeys(str(value) for run in runs if field and (value := _value(run, field)) is not None))


def _arm(by: str, value: str) -> str:
    return value if by == RECIPE else f"{by} {value}"


def _named(each: Combination) -> Combination:
    """Things under their names: a swept model is no uuid to a reader."""
    each.values = {field: _value(each.rows[0][0], field) for field in each.values}
    return each


def _value(run: Run, field: str) -> Any:
    given = run.inputs.get(field)
    if field == RECIPE:
        return title_of(run)
    if not isinstance(given, dict):
        return in_force(run, field)
    return " · ".join(str(given[part]) for part in ("name", "variant") if given.get(part))


def _state(runs: Sequence[Run]) -> dict[str, Any]:
    """Where the runs stand, how far all of them are together, and when they will be done."""
    counts = Counter(run.status for run in runs)
    parts = {run.pk: 1.0 if run.status in ENDED else run.bar.part if run.bar else 0.0 for run in runs}  # type: ignore[attr-defined]
    took = [(run.finished_at - run.started_at).total_seconds() for run in runs
            if run.status == Status.FINISHED and run.started_at and run.finished_at and run.attempt == 1]
    waits = sum(1 - parts[run.pk] for run in runs)
    eta = ""
    if took and waits > 0 and any(run.status in LIVE for run in runs):
        likely = waits * sum(took) / len(took) / max(1, sum(counts[status] for status in HELD))
        eta = reading.eta_words(reading.Range(likely * (1 - DOUBT), likely * (1 + DOUBT)))
    seeds = len({run.params.get("seed") for run in runs})
    return {"seeds": seeds, "run_count": len(runs),
            "counts": [(status.value, counts[status]) for status in Status if counts[status]],
            "ended": sum(counts[status] for status in ENDED), "eta": eta,
            "part": sum(parts.values()) / len(runs) if runs else 0.0,
            "is_live": any(run.status in LIVE for run in runs),
            "failed": counts[Status.FAILED], "can_cancel": counts[Status.QUEUED] + counts[Status.RUNNING] > 0}


def _run_row(run: Run, rows: Sequence[reading.Result], fields: Sequence[str]) -> dict[str, Any]:
    chosen = best(run, rows) or next(iter(rows[-1:]), None)
    return {"run": run, "values": [_value(run, field) for field in fields], "chosen": chosen, "seed": run.params.get("seed")}


def _table(request: HttpRequest, combinations: Sequence[Combination], fields: Sequence[str]) -> dict[str, Any]:
    """The rows of the table, in the order that the address asks for; rows without a value last."""
    sort, down = request.GET.get("sort", ""), request.GET.get("down") == "1"
    shown: list[dict[str, Any]] = [
        {"each": each, "values": [each.values.get(field) for field in fields], "variant": each.variant_id,
         "label": _label(each, combinations),
         "n": len({run.params.get("seed") for run, _ in each.rows}), **{name: each.of(name) for name in SORTS}}
        for each in combinations]
    if sort in SORTS:
        there = [row for row in shown if row[sort]]
        shown = sorted(there, key=lambda row: row[sort].mean, reverse=down) + [row for row in shown if not row[sort]]
    columns = [{"name": name, "order": ("descending" if down else "ascending") if name == sort else "",
                "next": "1" if name == sort and not down else ""} for name in known(SORTS, combinations)]
    some = known(OF_SOME, combinations)
    shown = [row | {"some": [row[name] for name in some]} for row in shown]
    return {"combinations": shown, "columns": columns, "sort": sort, "down": down}


def compared_by(asked: str, experiment: Experiment) -> str:
    """The swept parameter that chooses the colour, and whose values are compared: the one asked for, else the first."""
    fields = [field for field, _ in experiment.sweep]
    return asked if asked in fields else next(iter(fields), "")


def _chart(recipe: Recipe | None, fields: Sequence[str], combinations: Sequence[Combination]) -> dict[str, Any]:
    """What the one chart draws: accuracy against latency where the recipe measures both; against the bytes that were sent,
    where runs say them, or those that training took inside a budget; else against the first number swept."""
    if recipe is not None and any(chart.kind == "tradeoff" for chart in recipe.charts):
        chart = next(chart for chart in recipe.charts if chart.kind == "tradeoff")
        return {"kind": "spread", "title": chart.title, "x": "latency_ms", "y": "accuracy", "x_title": chart.x_title,
                "y_title": chart.y_title, "percent": True}
    if any(each.of("sent_bytes") for each in combinations):
        return {"kind": "spread", "title": "Accuracy against bytes sent", "x": "sent_bytes", "y": "accuracy",
                "x_title": "bytes sent", "y_title": "accuracy", "percent": True}
    if any(run.summary.get("memory_budget_bytes") for each in combinations for run, _ in each.rows):
        return {"kind": "spread", "title": "Accuracy against peak memory", "x": "measured_memory_bytes", "y": "accuracy",
                "x_title": "peak memory of training, measured, bytes", "y_title": "accuracy", "percent": True}
    y = "accuracy" if _tells_accuracy(recipe, combinations) else "latency_ms"
    field = next((name for name in fields if _takes_numbers(recipe, name) or any(
        _is_number(each.values.get(name)) for each in combinations)), "")
    words = {"accuracy": "accuracy", "latency_ms": "latency, ms (p50)"}[y]
    return {"kind": "spread", "title": f"{y.partition('_')[0].capitalize()} against {field.replace('_', ' ') or 'size'}",
            "x": field or "params", "y": y, "x_title": field.replace("_", " ") or "parameters", "y_title": words,
            "percent": y == "accuracy"}


def _tells_accuracy(recipe: Recipe | None, combinations: Sequence[Combination]) -> bool:
    """By what is there, and before anything is by what the recipe will tell: the axes stay while the runs go on."""
    if any(each.of("accuracy") or each.of("latency_ms") for each in combinations):
        return any(each.of("accuracy") for each in combinations)
    return recipe is not None and any("accuracy" in chart.y for chart in recipe.charts)


def _takes_numbers(recipe: Recipe | None, name: str) -> bool:
    info = recipe.params.model_fields.get(name) if recipe else None
    return info is not None and inner(info.annotation) in (int, float)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _points(recipe: Recipe | None, combinations: Sequence[Combination], fields: Sequence[str],
            colour: str, places: Mapping[str, int]) -> list[dict[str, Any]]:
    axes = _chart(recipe, fields, combinations)
    made = [_point(each, axes, colour) | {"label": _label(each, combinations),
                                         "short": _short(each, combinations, fields, colour)} for each in combinations]
    if colour == NETWORK:
        made = [point | _of_network(each, places) for point, each in zip(made, combinations, strict=True)]
    return [point for point in made if point["x"] and point["y"]]


def _of_network(each: Combination, places: Mapping[str, int]) -> dict[str, Any]:
    """Each network has the colour that it has on the page of a run; none is what the others are made of."""
    return {"colour": each.name, "place": places.get(each.name), "dense": False}


def _label(each: Combination, every: Sequence[Combination]) -> str:
    """`sparsity 0.5, epochs 2`; with the variant's own name where nothing was swept, or several variants were made."""
    values = ", ".join(_arm(field.replace("_", " "), str(value)) for field, value in each.values.items() if value is not None)
    alone = sum(other.values == each.values and not other.is_reference for other in every) == 1
    named = [] if values and alone and not each.is_reference else [each.name]
    return ", ".join([*named, *([values] if values else [])])


def _short(each: Combination, every: Sequence[Combination], fields: Sequence[str], colour: str) -> str:
    """What stands beside a point: `0.5`; its other values, as its colour tells that one, else what its colour stands for."""
    if each.is_reference:
        return ""
    is_named = colour == NETWORK
    values = [str(value) for field in fields if field != colour and (value := each.values.get(field)) is not None]
    alone = sum(other.values == each.values and not other.is_reference for other in every) == 1
    return ", ".join([*([] if alone or is_named else [each.name]), *values]) or str(each.values.get(colour) or each.name)


def _beside_points(combinations: Sequence[Combination], fields: Sequence[str], colour: str) -> list[str]:
    """In words, what stands beside the points."""
    return [field.replace("_", " ") for field in fields
            if field != colour and any(each.values.get(field) is not None for each in combinations)]


def _point(each: Combination, axes: dict[str, Any], colour: str) -> dict[str, Any]:
    size = each.of("size_bytes")
    own: Any = each.values.get(axes["x"])
    measured = each.of(axes["x"]) if axes["x"] in MEASURED_X else None
    x = Spread(1, float(own), None) if _is_number(own) else measured
    y = each.of(axes["y"])
    return {"name": each.name, "dense": each.is_reference,
            "colour": str(each.values.get(colour, "")) if colour else "", "x": x._asdict() if x else None,
            "y": y._asdict() if y else None, "size": size.mean if size else None, "variant": each.variant_id,
            "runs": [run.number for run, _ in each.rows], "noise": each.qualified}
