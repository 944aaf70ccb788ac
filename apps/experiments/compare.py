"""Compare two to eight runs: what differs between them, their results side by side, and what their curves say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db.models import F, FloatField, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.experiments import apart, reading, standing, switched
from apps.experiments.models import LIVE, Run
from apps.experiments.placing import PART
from apps.experiments.results import best as best_of
from apps.experiments.results import recipe_of, results_of, title_of
from apps.experiments.spread import alike_but_for_the_seed, combined, unlike
from apps.experiments.studies import papers_of
from apps.live.models import Event
from worker.params import said as said_of
from worker.recipe import Chart
from worker.wording import NOISY, figures

FEWEST, MOST, MOST_CURVES = 2, 8, 60
# The number of a colour, which parts no curves.
PLACE = "place"
WAYS = ("last", "best", "at")
OVERLAID = ("line", "bars", "tradeoff")
# Of these a small value is the good one.
LESS_IS_BETTER = ("loss", "error", "seconds", "latency", "bytes", "perplexity")
MEASURES = {"accuracy": "accuracy", "latency_ms": "latency p50", "params": "parameters", "macs": "MACs", "size_bytes": "size"}
# Said by runs of some kinds of themselves, not of a variant.
OF_RUN = {"memory_budget_bytes": "memory budget", "measured_memory_bytes": "peak memory of training, measured",
          "sent_bytes": "bytes sent", "emulated_round_seconds": "seconds of a round, emulated",
          "measured_round_seconds": "seconds of a round, measured"}


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    runs = chosen(request)
    problem = _problem(len(runs))
    context = {"problem": problem, "runs": runs} if problem else comparison(request, runs)
    return render(request, "experiments/compare.html", context, status=422 if len(runs) > MOST else 200)


def chosen(request: HttpRequest) -> list[Run]:
    """The runs that the address names, in its order; not there when one of them is not, or not for this person."""
    try:
        ids = list(dict.fromkeys(UUID(text) for text in request.GET.getlist("run")[:1000]))
    except ValueError:
        raise Http404 from None
    mine = Run.objects.visible_to(request.user).filter(pk__in=ids)
    found = {run.pk: run for run in mine.select_related("experiment").defer("trace")}
    if len(found) < len(ids):
        raise Http404
    return [found[pk] for pk in ids]


def _problem(number: int) -> str:
    if number > MOST:
        return f"At most {MOST} runs can be compared at a time; these are {number}."
    return f"Pick {FEWEST} to {MOST} runs to compare." if number < FEWEST else ""


def comparison(request: HttpRequest, runs: list[Run]) -> dict[str, Any]:
    results = results_of(runs)
    way, step, wrong = _way(request)
    every = request.GET.get("all") == "1"
    best, told = {run.pk: _best(run, results[run.pk]) for run in runs}, apart.beside(runs)
    return {
        "runs": [{"run": run, "place": place, "best": best[run.pk], "title": title_of(run), "apart": told[run.pk]}
                 for place, run in enumerate(runs)],
        "differences": _differences(runs, every=every), "every": every, "way": way, "step": step, "step_error": wrong,
        "results": _side_by_side(runs, best), "ways": switched.by_way(runs), "networks": _networks(runs),
        **_shown(curves(runs, way, step) if not wrong else []),
        "groups": _groups(runs, results), "warnings": _warnings(runs, [row for row in best.values() if row]),
        "disturbed": reading.disturbed(sum(_is_disturbed(run, best[run.pk]) for run in runs)),
        "charts": common_charts(runs), "page_config": _config(runs), "problem": "",
        "papers": papers_of(run.recipe for run in runs),
    }


def _way(request: HttpRequest) -> tuple[str, int | None, str]:
    """How a curve becomes one number, at which step, and what is wrong with that."""
    way, text = request.GET.get("agg", "last"), request.GET.get("step", "").strip()
    step = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    way = way if way in WAYS else "last"
    if way == "at" and step is None:
        return way, None, f"must be a whole number, at least 0; got {text[:40]}" if text else "say at which step"
    return way, step, ""


def _best(run: Run, rows: Sequence[reading.Result]) -> reading.Result | None:
    return best_of(run, rows) or next(iter(rows[-1:]), None)


def _is_disturbed(run: Run, best: reading.Result | None) -> bool:
    return run.summary.get("drive_noisy") is True or (best is not None and best.latency_noisy)


def _differences(runs: Sequence[Run], *, every: bool) -> list[dict[str, Any]]:
    """Parameters, inputs and environment, row by row; those that are the same everywhere only when asked for."""
    rows: list[tuple[str, str, list[Any]]] = [
        ("recipe", "recipe", [found.title if (found := recipe_of(run)) else run.recipe for run in runs])]
    given = [_given(run) for run in runs]
    inputs = list(dict.fromkeys(field for each in given for field in each))
    params = list(dict.fromkeys(name for run in runs for name in {**run.params, **run.live_params} if name not in inputs))
    # What a worker repeats of the parameters is said once.
    places = list(dict.fromkeys(name for run in runs for name in run.environment if name not in params))
    rows += [("given", field, [each.get(field, "") for each in given]) for field in inputs]
    rows += [("parameter", name, [{**run.params, **run.live_params}.get(name) for run in runs]) for name in params]
    rows += [("environment", name, [run.environment.get(name) for run in runs]) for name in places]
    return [{"kind": kind, "name": name, "word": _word(runs, kind, name), "values": values, "differs": _differ(values),
             "shown": [_shown_value(run, kind, name, value) for run, value in zip(runs, values, strict=True)]}
            for kind, name, values in rows if every or _differ(values)]


def _given(run: Run) -> dict[str, str]:
    """What it was given, by field; boards of which each takes part by itself are no parts."""
    fields = [field for field in run.inputs if not (standing.is_star(run.recipe) and field.startswith(PART))]
    boards = [_input(run, field) for field in run.inputs if field not in fields]
    return {field: _input(run, field) for field in fields} | ({"boards": ", ".join(boards)} if boards else {})


def _word(runs: Sequence[Run], kind: str, name: str) -> str:
    """As forms call it; what says something of a place is no field."""
    of = next((params for run in runs if name in (params := apart.params_of(run)).model_fields), None)
    return name.replace("_", " ") if of is None or kind == "environment" else apart.word(of, name)


def _shown_value(run: Run, kind: str, name: str, value: Any) -> Any:
    return said_of(apart.params_of(run), name, value) if kind == "parameter" else value


def _differ(values: Sequence[Any]) -> bool:
    return len({repr(value) for value in values}) > 1


def _input(run: Run, field: str) -> str:
    given = run.inputs.get(field)
    if not isinstance(given, dict):
        return ""
    return " · ".join(str(given[part]) for part in ("name", "variant") if given.get(part))


def _side_by_side(runs: Sequence[Run], best: dict[UUID, reading.Result | None]) -> list[dict[str, Any]]:
    every = [best[run.pk] for run in runs]
    noise = [_kind(each) for each in every]
    rows = {name: [getattr(each, name, None) for each in every] for name in MEASURES}
    for name in OF_RUN:
        values = [run.summary.get(name) for run in runs]
        rows |= {name: values} if any(value is not None for value in values) else {}
    return [{"name": name, "word": (MEASURES | OF_RUN)[name], "values": values,
             "cells": list(zip(values, noise if name == "latency_ms" else [""] * len(every), strict=True))}
            for name, values in rows.items()]


def _kind(each: reading.Result | None) -> str:
    """What is to be said beside a latency: that nobody measured it, that it was disturbed."""
    if each is None:
        return ""
    kind = reading.kind_of_number(each.origin, each.latency_ms, each.latency_low, each.latency_high)
    return kind or (NOISY if each.latency_noisy else "")


def _groups(runs: Sequence[Run], results: dict[UUID, list[reading.Result]]) -> list[dict[str, Any]]:
    """Runs that differ in nothing but their seed, taken together; nothing when there are none."""
    alike = [alike_but_for_the_seed(run) for run in runs]
    seeded = [run for run, key in zip(runs, alike, strict=True) if alike.count(key) > 1]
    names = sorted({row["name"] for row in _differences(seeded, every=False) if row["kind"] == "parameter"} - {"seed"})
    return [{"name": each.name, "values": each.values, "rows": each.rows, "accuracy": each.of("accuracy"),
             "latency": each.of("latency_ms"), "noise": each.qualified, "params": each.of("params"),
             "numbers": ", ".join(str(run.number) for run, _ in each.rows)} for each in combined(seeded, results, names)]


def _warnings(runs: Sequence[Run], rows: Sequence[reading.Result]) -> list[str]:
    """Why their numbers are not like with like."""
    sets = _models(runs)
    said = unlike(rows)
    if differ := sorted(frozenset.union(*sets) - frozenset.intersection(*sets)):
        said.append(f"they began from different models: {', '.join(differ)}")
    return said


def _models(runs: Sequence[Run]) -> list[frozenset[str]]:
    """What each run was given to begin with: one network, or a set of them in whatever order."""
    return [frozenset(_input(run, field) for field, given in run.inputs.items() if given.get("kind") == "model") for run in runs]


def _networks(runs: Sequence[Run]) -> str:
    sets = _models(runs)
    return "the same networks in all of them" if len(set(sets)) == 1 else "of different networks"


def common_charts(runs: Sequence[Run]) -> list[Chart]:
    """The charts that all of them draw, in the order of the first one's recipe."""
    declared = [found.charts_of(run.params) if (found := recipe_of(run)) else () for run in runs]
    drawn = [{(chart.kind, chart.y, chart.x) for chart in charts} for charts in declared]
    common = [chart for chart in declared[0] if chart.kind in OVERLAID
              and all((chart.kind, chart.y, chart.x) in each for each in drawn)]
    return [replace(chart, title=_title(chart, declared)) for chart in common]


def _title(chart: Chart, declared: Sequence[Sequence[Chart]]) -> str:
    """Where what is emulated in one run is not in another, both are said, and once what they share."""
    same = (each.title for charts in declared for each in charts if (each.kind, each.y, each.x) == (chart.kind, chart.y, chart.x))
    return _either([title.split() for title in dict.fromkeys(same)])


def _either(titles: Sequence[list[str]]) -> str:
    """`Time of a round (emulated) or (measured)` of titles that begin, or end, with the same words."""
    before = _alike(titles)
    rests = [title[before:] for title in titles]
    after = min(_alike([rest[::-1] for rest in rests]), *(len(rest) - 1 for rest in rests))
    if after < 0:
        return " or ".join(" ".join(title) for title in titles)
    between = " or ".join(" ".join(rest[:len(rest) - after]) for rest in rests)
    return " ".join([*titles[0][:before], between, *rests[0][len(rests[0]) - after:]])


def _alike(titles: Sequence[Sequence[str]]) -> int:
    """With how many words all of them begin."""
    return sum(1 for _ in takewhile(lambda words: len(set(words)) == 1, zip(*titles, strict=False)))


def _config(runs: Sequence[Run]) -> dict[str, Any]:
    """What the script needs: each run's stream, and the charts, parted by run."""
    return {
        "charts": [asdict(chart) | {"by": "run", "within": chart.by} for chart in common_charts(runs)],
        "recipe": runs[0].recipe, "title": "runs",
        "order": [f"run {run.number}" for run in runs],
        "runs": [{"stream": str(run.stream_id), "name": f"run {run.number}", "live": run.status in LIVE} for run in runs],
    }


def _shown(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"curves": found[:MOST_CURVES], "curves_left_out": max(0, len(found) - MOST_CURVES)}


def curves(runs: Sequence[Run], way: str, step: int | None) -> list[dict[str, Any]]:
    """One number of each curve that is drawn: a row for a metric and its labels, a column for a run. One query."""
    charts = [chart for chart in common_charts(runs) if chart.kind == "line"]
    names = {name: chart for chart in reversed(charts) for name in chart.y}
    if not names:
        return []
    found: dict[tuple[str, str], dict[UUID, tuple[float, Any]]] = {}
    for stream, name, labels, value, at in _chosen_points(runs, set(names), way, step):
        if value is not None:
            words = ", ".join(_labelled(label, str(labels[label])) for label in sorted(labels or {}) if label != PLACE)
            found.setdefault((name, words), {})[stream] = (float(value), at)
    units = {name: (chart.steps_per_x, chart.x_title) for name, chart in names.items()}
    return [{"name": name, "word": _titled(name, names[name]), "labels": words,
             "values": (values := [said.get(run.stream_id) for run in runs]),
             "cells": [(value and value[0], _at(value, *units[name])) for value in values]}
            for (name, words), said in sorted(found.items())]


def _titled(name: str, chart: Chart) -> str:
    """A curve is called by its chart; where that draws several, by what tells it apart too."""
    return chart.title if len(chart.y) == 1 else f"{chart.title}: {name.replace('_', ' ')}"


def _labelled(label: str, value: str) -> str:
    """`split test`; `exit 1` where the value says of what it is itself."""
    return value if value.startswith(f"{label} ") else f"{label.replace('_', ' ')} {value}"


def _at(value: tuple[float, Any] | None, per: int, axis: str) -> str:
    """Where on its axis a value stands: `12`; `45.1 s` of `training time, s` where steps are parts of its unit."""
    if value is None:
        return ""
    return str(value[1]) if per == 1 else f"{figures(value[1] / per)} {axis.rpartition(', ')[2]}"


def _chosen_points(runs: Sequence[Run], names: set[str], way: str, step: int | None) -> list[Any]:
    """The row of each curve that is its last, its best, or that of the step: the database chooses, no curve is loaded."""
    rows = Event.objects.filter(stream__in=[run.stream_id for run in runs], type="metric", body__name__in=sorted(names),
                                body__step__isnull=False, body__value__isnull=False)
    if way == "at":
        rows = rows.filter(body__step=step)
    if way != "best":
        return list(_first_of_each(rows, "-seq"))
    # What was no finite number is kept as null, which is the best of nothing.
    number = rows.annotate(number=Cast(KeyTextTransform("value", "body"), FloatField())).filter(number__isnull=False)
    low = {name for name in names if any(word in name for word in LESS_IS_BETTER)}
    return [*_first_of_each(number.filter(body__name__in=sorted(low)), "number"),
            *_first_of_each(number.filter(body__name__in=sorted(names - low)), "-number")]


def _first_of_each(rows: QuerySet[Event], order: str) -> QuerySet[Any, Any]:
    by = ("stream", "body__name", "body__labels")
    return rows.order_by(*by, order).distinct(*by).values_list(
        "stream", F("body__name"), F("body__labels"), F("body__value"), F("body__step"))
