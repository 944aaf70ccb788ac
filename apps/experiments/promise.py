"""What an experiment will do and cost, in plain words, from a form as it stands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from apps.accounts.models import Team
from apps.catalog.models import Dataset, Variant
from apps.experiments import sweeps
from apps.experiments.forms import RecipeForm
from apps.experiments.models import Run, Status
from apps.experiments.reading import Range, counted, range_words
from worker.params import extra

RUNS_LOOKED_AT, RUNS_JUDGED_BY = 60, 5
STEADY = 0.2  # the same run again takes so much more or less


class Cost(NamedTuple):
    """How long it may take, from how many runs of this recipe on this model."""

    words: str
    runs: int
    model: str
    scaled: bool


class Promise(NamedTuple):
    """A sentence, the essentials as pairs, what it may cost, and what is wrong or missing."""

    sentence: str
    settings: list[tuple[str, str]]
    cost: Cost | None
    problems: list[str]
    has_model: bool = False
    runs: str = ""


def promise(form: RecipeForm, team: Team | None) -> Promise:
    recipe = form.recipe
    chosen = {name: _named(form, name) for name in recipe.params.references()}
    things = [name for name in chosen.values() if name]
    on = " on ".join([things[0], " · ".join(things[1:])]) if len(things) > 1 else " · ".join(things)
    sentence = f"{recipe.title}: {on}" if things else recipe.title
    return Promise(sentence, _settings(form), _cost(form, team), _problems(form), "model" in _things(form),
                   sweeps.words(form.several(), form.repeats()))


def _settings(form: RecipeForm) -> list[tuple[str, str]]:
    """The essential values, and every other one that differs from its default."""
    params = form.recipe.params
    shown = []
    for name, info in params.model_fields.items():
        value = _value(form, name)
        if name in params.references() or value in (None, ""):
            continue
        if extra(params, name).get("essential") or str(value) != str(form.fields[name].initial):
            unit = extra(params, name).get("unit", "") if extra(params, name).get("unit") != name else ""
            shown.append(((info.title or name).replace("_", " "), counted(_short(value), unit)))
    return shown


def _value(form: RecipeForm, name: str) -> Any:
    return form[name].value()


def _short(value: Any) -> str:
    value = ", ".join(value) if isinstance(value, list) else value
    text = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def _named(form: RecipeForm, name: str) -> str:
    """The chosen thing's name, found among the choices, so that a foreign id has none."""
    field: Any = form.fields[name]
    try:
        thing = field.to_python(form[name].value())
    except ValidationError:
        return ""
    return field.label_from_instance(thing) if thing else ""


def _problems(form: RecipeForm) -> list[str]:
    if not form.is_bound:
        return []
    form.is_valid()
    return [_problem(form, name, str(message)) for name, messages in form.errors.items() for message in messages]


def _problem(form: RecipeForm, name: str, message: str) -> str:
    return message if name == "__all__" else f"{form.fields[name].label}: {message}"


def _cost(form: RecipeForm, team: Team | None) -> Cost | None:
    """A range from finished runs of this recipe on this model, scaled by the work; nothing without such runs."""
    things = _things(form)
    model, data = things.get("model"), things.get("dataset")
    if team is None or model is None:
        return None
    many = form.several()
    # Several values of anything but epochs are taken for the first one; the epochs are averaged.
    asked = {name: many[name][0] if name in many else _value(form, name) for name in form.recipe.params.model_fields}
    work = _mean([_work(asked | {"epochs": each}, data.counts.get("train") if data else None)
                  for each in many.get("epochs", [asked.get("epochs")])])
    runs = sweeps.count(many, form.repeats())
    found = sorted(_alike(form, team, model, asked, work), key=lambda each: abs(math.log(each[1])))[:RUNS_JUDGED_BY]
    if not found:
        return None
    doubts = [STEADY + min(0.5, 0.1 * abs(math.log2(ratio))) for _, ratio in found]
    low = min(seconds * ratio * (1 - doubt) for (seconds, ratio), doubt in zip(found, doubts, strict=True))
    high = max(seconds * ratio * (1 + doubt) for (seconds, ratio), doubt in zip(found, doubts, strict=True))
    words = range_words(Range(low * runs, high * runs)) + (" in all" if runs > 1 else "")
    return Cost(words, len(found), model.model.name, any(ratio != 1 for _, ratio in found))


def _mean(works: list[float | None]) -> float | None:
    known = [work for work in works if work is not None]
    return sum(known) / len(works) if known else None


def _things(form: RecipeForm) -> dict[str, Any]:
    """The chosen things by kind."""
    chosen = {}
    for name, kind in form.recipe.params.references().items():
        field: Any = form.fields[name]
        try:
            chosen[kind] = field.to_python(form[name].value())
        except ValidationError:
            continue
    return {str(kind): thing for kind, thing in chosen.items() if thing}


def _alike(form: RecipeForm, team: Team, model: Variant, asked: Mapping[str, Any], work: float | None,
           ) -> Iterator[tuple[float, float]]:
    """(seconds, how many times its work is asked for now) of each run that can be compared."""
    runs = Run.objects.filter(team=team, recipe=form.recipe.name, status=Status.FINISHED, attempt=1, started_at__isnull=False,
                              finished_at__isnull=False)
    rows = list(runs.order_by("-number").only("params", "live_params", "inputs", "started_at", "finished_at",
                                              "queued_at")[:RUNS_LOOKED_AT])
    architectures = dict(Variant.objects.filter(team=team, pk__in=_given(rows, "model")).values_list("pk", "model"))
    counts = dict(Dataset.objects.filter(team=team, pk__in=_given(rows, "dataset")).values_list("pk", "counts"))
    for run in rows:
        same_model = any(str(pk) in _ids(run, "model") and each == model.model_id for pk, each in architectures.items())
        images = next((each.get("train") for pk, each in counts.items() if str(pk) in _ids(run, "dataset")), None)
        done = _work(run.params | run.live_params, images)
        if same_model and run.started_at and run.finished_at and _same_choices(form, asked, run.params, scaled=work is not None):
            seconds = (run.finished_at - run.started_at).total_seconds()
            if work is None and done is None:
                yield seconds, 1.0
            elif work and done:
                yield seconds, work / done


def _work(params: Mapping[str, Any], images: Any) -> float | None:
    """Epochs times training images; None for a recipe without epochs, or with none of them."""
    try:
        epochs = float(params.get("epochs") or 0)
    except (TypeError, ValueError):
        return None
    return epochs * float(images or 1) if math.isfinite(epochs) and epochs > 0 else None


def _same_choices(form: RecipeForm, asked: Mapping[str, Any], before: Mapping[str, Any], *, scaled: bool) -> bool:
    """Numbers may differ where epochs scale the time; what is chosen, or switched on, may not."""
    apart = {"seed", "epochs", *form.recipe.params.references()}
    for name in form.recipe.params.model_fields:
        if name in apart or name not in before:
            continue
        old, new = before[name], asked.get(name)
        is_number = isinstance(old, int | float) and not isinstance(old, bool)
        if is_number and scaled and name != "batch_size":
            continue
        if _plain(old) != _plain(new):
            return False
    return True


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value in ("on", "true", "True", "false", "False"):
        return "no" if str(value).lower() == "false" else "yes"
    try:
        return f"{float(value):g}"
    except (TypeError, ValueError):
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")


def _given(runs: list[Run], kind: str) -> set[str]:
    return {each for run in runs for each in _ids(run, kind)}


def _ids(run: Run, kind: str) -> set[str]:
    return {str(each["id"]) for each in run.inputs.values()
            if isinstance(each, dict) and each.get("kind") == kind and each.get("id")}
