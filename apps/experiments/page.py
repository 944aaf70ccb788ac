"""What the page of a run says, gathered for its templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.accounts import teams
from apps.accounts.sight import mark
from apps.devices.models import Device
from apps.experiments import (
    apart,
    board_waiting,
    reading,
    relays,
    retraced,
    run_blocks,
    run_onward,
    run_parts,
    run_plans,
    standing,
)
from apps.experiments.evidence import FIELD, NOTHING
from apps.experiments.fields import initial
from apps.experiments.forms import RecipeForm, RenameForm, form_for
from apps.experiments.models import HELD, Run, Status
from apps.experiments.placing import PART
from apps.experiments.progress import main_stage
from apps.experiments.reading import Result, comparable, ratio
from apps.experiments.results import best, engines, inputs, of_levels, recipe_of, results, why_waiting
from worker.budgets import REFUSED
from worker.params import extra, said
from worker.recipe import Recipe
from worker.wording import NOISY

SORTS: dict[str, Callable[[Result], float | None]] = {
    "accuracy": lambda row: row.accuracy, "latency": lambda row: row.latency_ms, "size": lambda row: row.size_bytes,
    "parameters": lambda row: row.params, "macs": lambda row: row.macs,
}


def page_context(request: HttpRequest, run: Run, live_form: RecipeForm | None = None,
                 rename_form: RenameForm | None = None) -> dict[str, Any]:
    recipe = recipe_of(run)
    given = inputs(run)
    names = {each["field"]: each["file"] for each in given if not each["field"].startswith(PART)}
    context = head_context(request, run, rename_form) | variants_context(request, run) | files_context(run)
    again = retraced.again(run, recipe, in_force(run, recipe))
    context |= run_blocks.context(run, request.GET.dict()) | run_parts.context(run, teams.person(request))
    return context | {
        "charts": recipe.charts_of(run.params) if recipe else (), "papers": recipe.papers if recipe else (),
        "live_config": _live_config(run, recipe), "given": _told(run, given), "params": _params(run, recipe),
        "downloads": [each for each in given if each["kind"] != "device"],
        "measures_here": bool(reading.devices_measured(run.recipe)),
        "command": reading.command(run.recipe, run_parts.in_a_terminal(run, again.values), names, f"run-{run.number}"),
        "curl": reading.curl(request.build_absolute_uri("/api/experiments"), run.recipe, again.values),
        "command_notes": again.notes,
        "live_form": live_form or _live_form(request, run, recipe, may_edit=context["may_edit"]),
    }


def files_context(run: Run) -> dict[str, Any]:
    return {"run": run, "files": run.files.select_related("blob"), "has_variants": run.variants.exists()}


def head_context(request: HttpRequest, run: Run, rename_form: RenameForm | None = None) -> dict[str, Any]:
    """Is it alive, how far, when done, what came out."""
    user, recipe, now = teams.person(request), recipe_of(run), timezone.now()
    rows = results(run)
    return {
        "run": run, "title": recipe.title if recipe else run.recipe, "apart": apart.of_runs([run])[run.pk],
        "may_edit": teams.may_edit(user, run.team),
        **_progress(run), "why": why_waiting(run, user) if run.status == Status.QUEUED else "",
        "silence": _silence(run, now), "board": _board(request, run), **_verdict(run, rows),
        "verdict_facts": _verdict_facts(run, rows), "is_held": run.status in HELD,
        "rename_form": rename_form or RenameForm(initial={"name": run.experiment.name}), "waited": _waited(run),
        "seen": mark(run.experiment.name),
        "siblings": run.experiment.runs.count(), "no_room": run.status == Status.FAILED and run.reason.startswith(REFUSED),
    }


def _board(request: HttpRequest, run: Run) -> Device | None:
    """The device that a run which goes on was asked for: its state moves with the head."""
    given = run.inputs.get("device")
    if not run.is_live or not isinstance(given, dict) or not given.get("id"):
        return None
    found: Device | None = Device.objects.visible_to(request.user).filter(pk=given["id"]).first()
    return found


def variants_context(request: HttpRequest, run: Run) -> dict[str, Any]:
    rows = results(run)
    dense = reading.reference(rows)
    sort, down = request.GET.get("sort", ""), request.GET.get("down") == "1"
    planned = run_plans.left(run)
    shown = [_against(row, dense) | _called(run, row) for row in _sorted(rows, sort, down)]
    return {"run": run, "rows": shown, "sort": sort, "down": down, "planned": planned,
            "relayed_note": relays.of_names(run.team, planned.plans) if planned else "",
            "onward": run_onward.as_slices(run) if teams.may_edit(teams.person(request), run.team) else [],
            "columns": _columns(sort, down), "has_origin": any(row.origin for row in rows),
            "reference": dense.name if dense and len(rows) > 1 else "",
            "engines": engines(run) if run.recipe.startswith("benchmarking.") else []}


def _called(run: Run, row: Result) -> dict[str, str]:
    """A benchmark calls what it was given by its model's name; here the variant is named too."""
    given = run.inputs.get("model") if run.recipe.startswith("benchmarking.") else None
    if not isinstance(given, dict) or given.get("name") != row.name or not given.get("variant"):
        return {}
    return {"name": f"{given['name']} · {given['variant']}"}


def _columns(sort: str, down: bool) -> list[dict[str, Any]]:
    return [{"name": name, "order": ("descending" if down else "ascending") if name == sort else "",
             "next": "1" if name == sort and not down else ""} for name in SORTS]


def _sorted(rows: list[Result], sort: str, down: bool) -> list[Result]:
    """By a column, rows without a value last; an unknown column leaves the order they were made in."""
    key = SORTS.get(sort)
    if key is None:
        return rows
    known = [row for row in rows if key(row) is not None]
    return sorted(known, key=lambda row: key(row) or 0.0, reverse=down) + [row for row in rows if key(row) is None]


def _against(row: Result, dense: Result | None) -> dict[str, Any]:
    """A row with how it compares with the dense (or fp32) network; fewer bits show in its bytes, not in its parameters."""
    shown = asdict(row)
    if dense is None or row.is_reference:
        return shown
    fewer_bits = row.precision != dense.precision
    return shown | {"points": comparable(row, dense), "faster": ratio(dense.latency_ms, row.latency_ms),
                    "doubt": reading.latency_doubt(row, dense),
                    "lighter" if fewer_bits else "smaller": reading.smaller(row, dense)}


def _progress(run: Run) -> dict[str, Any]:
    """Bar and words of the stage that lasts longest, its time to go, and what is done at the moment beside it."""
    main = main_stage(run) if run.status in HELD else None
    if main is None:
        return {"fraction": 0.0, "progress": "", "eta": "", "aside": run.stage if run.status in HELD else ""}
    seconds = reading.eta(main.part, 1.0, main.mark)
    return {
        "fraction": main.part,
        "progress": reading.progress_words(main.name, main.done, main.total, main.part),
        "eta": reading.eta_words(seconds) if seconds and run.status == Status.RUNNING else "",
        "aside": reading.progress_words(run.stage, run.done, run.total) if run.stage != main.name else "",
    }


def _silence(run: Run, now: Any) -> str:
    if run.status not in HELD or run.heartbeat is None:
        return ""
    if run.is_with_board:
        return board_waiting.silence(run, now)
    left = (run.lease_until - now).total_seconds() if run.lease_until else 0.0
    since = (now - run.heartbeat).total_seconds()
    return reading.silence(since, settings.HEARTBEAT_S, left, settings.LEASE_S)


def _verdict(run: Run, rows: list[Result]) -> dict[str, str]:
    """The sentence that says what came out: its first part stands out, what qualifies it follows."""
    first, mark, rest = str(run.summary.get("verdict") or reading.verdict(rows, levels=of_levels(run))).partition("; ")
    alone = "" if run.summary.get("verdict") or run.status not in HELD else reading.standing(rows)
    return {"verdict": first, "verdict_rest": mark + rest, "standing": alone}


def _waited(run: Run) -> bool:
    """Whether time in which nothing was computed lies between its begin and its end."""
    return run.started_at is not None and (run.attempt > 1 or run.queued_at > run.started_at)


def _verdict_facts(run: Run, rows: list[Result]) -> dict[str, Any]:
    dense, chosen = reading.reference(rows), best(run, rows)
    if dense is None or chosen is None:
        return {}
    return {"dense": dense, "chosen": chosen, "noise": NOISY if reading.latency_doubt(chosen, dense) == NOISY else ""}


def in_force(run: Run, recipe: Recipe | None) -> dict[str, Any]:
    """The parameters as they are now, in the order the recipe declares them."""
    names = recipe.params.model_fields if recipe else {}
    declared: dict[str, Any] = {name: run.params[name] for name in names if name in run.params}
    return {**declared, **run.params, **run.live_params}


def _told(run: Run, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What it was given, as readers call it: where each board takes part by itself none is a part; of nothing nothing is said."""
    is_star, params = standing.is_star(run.recipe), apart.params_of(run)
    return [each | {"field": "board" if is_star and each["field"].startswith(PART) else apart.word(params, each["field"])}
            for each in given if each["kind"] != FIELD or each["name"] != NOTHING]


def _params(run: Run, recipe: Recipe | None) -> list[dict[str, Any]]:
    """Parameters as they are in force, with units; things that are named elsewhere are left out."""
    fields = recipe.params.model_fields if recipe else {}
    unused = recipe.params.unused({**in_force(run, recipe), **run.inputs}) if recipe else {}
    shown = {name: value for name, value in in_force(run, recipe).items() if name not in run.inputs and name not in unused}
    units = {name: _unit(recipe, name) if name in fields else "" for name in shown}
    lines = {name: _lines(recipe, name, value) for name, value in shown.items()}
    if recipe:
        shown = {name: said(recipe.params, name, value) for name, value in shown.items()}
        units |= {name: "" for name, value in shown.items() if value != in_force(run, recipe)[name]}
    return [{"name": name, "word": (fields[name].title if name in fields else "") or name, "value": value,
             "unit": units[name] if units[name] != name else "", "lines": lines[name],
             "changed": name in run.live_params} for name, value in shown.items()]


def _lines(recipe: Recipe | None, name: str, value: Any) -> list[str]:
    """Of text of several lines, each; nothing of other values and of one line."""
    noted = extra(recipe.params, name) if recipe and name in recipe.params.model_fields else {}
    return value.split("; ") if noted.get("lines") and isinstance(value, str) and "; " in value else []


def _unit(recipe: Recipe | None, name: str) -> str:
    noted = recipe.params.model_fields[name].json_schema_extra if recipe else None
    return str(noted.get("unit", "")) if isinstance(noted, dict) else ""


def _live_form(request: HttpRequest, run: Run, recipe: Recipe | None, *, may_edit: bool) -> RecipeForm | None:
    if recipe is None or not may_edit or run.status not in (Status.QUEUED, Status.RUNNING):
        return None
    if not recipe.params.live_fields():
        return None
    form = form_for(recipe, teams.person(request), run.team, recipe.params.live_fields())
    return form(initial=initial(recipe, run.params | run.live_params))


def _live_config(run: Run, recipe: Recipe | None) -> dict[str, Any]:
    """What the page's script needs: the stream, the fragments, the charts."""
    return {
        "stream": str(run.stream_id), "recipe": run.recipe, "title": recipe.title if recipe else run.recipe,
        "status": run.status, "charts": [asdict(chart) for chart in recipe.charts_of(run.params)] if recipe else [],
        "head": reverse("run-head", args=[run.pk]), "variants": reverse("run-variants", args=[run.pk]),
        "files": reverse("run-files", args=[run.pk]), "environment": reverse("run-environment", args=[run.pk]),
        "blocks": reverse("run-blocks", args=[run.pk]) if run.recipe in run_blocks.BY_BLOCK else "",
    }
