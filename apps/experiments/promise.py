"""What an experiment will do and cost, in plain words, from a form as it stands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from pydantic import ValidationError as BadParams
from pydantic.fields import FieldInfo

from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.catalog.models import Dataset, Variant
from apps.experiments import evidence, no_room, refitting, relays, studies, sweeps
from apps.experiments.forms import RecipeForm
from apps.experiments.models import Run, Status
from apps.experiments.reading import Range, counted, least_words, range_words
from apps.experiments.studies import Part
from worker.params import Params, Refit, extra
from worker.params import said as said_of
from worker.recipe import Recipe

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
    how_many: int = 1
    ignored: list[str] = []
    rests: str = ""
    relayed: list[str] = []
    no_room: list[str] = []
    at_least: str = ""
    refit: Refit = Refit()


def promise(form: RecipeForm, team: Team | None) -> Promise:
    recipe = form.recipe
    chosen = {name: _named(form, name) for name in recipe.params.references()}
    networks = [value for name in recipe.params.networks() for value in _listed(_value(form, name))]
    things = [name for name in (*chosen.values(), *networks) if name]
    on = " on ".join([things[0], " · ".join(things[1:])]) if len(things) > 1 else " · ".join(things)
    against = ", ".join(other.recipe.title for other in form.compared)
    title = f"{recipe.title} against {against}" if against else recipe.title
    return Promise(f"{title}: {on}" if things else title, _settings(form), _cost(form, team), _problems(form),
                   "model" in _things(form), studies.words(form.parts(), form.repeats()),
                   studies.count(form.parts(), form.repeats()),
                   [*_ignored(form), *_unusual(form), *_one_step(form), *_remarks(form)],
                   evidence.rests_on(team, networks) if team and networks and recipe.needs_links else "",
                   relays.asked_for(team, recipe, {name: _value(form, name) for name in recipe.params.model_fields}),
                   no_room.said(_asked_parts(form), _things(form).get("model")), least_words(_at_least_s(form)),
                   refitting.offer(form))


def _at_least_s(form: RecipeForm) -> float:
    """Of all runs together, what passes in real time; 0 while something is wrong."""
    found = 0.0
    for recipe, values, sweep in _asked_parts(form):
        typed = {name: value for name, value in values.items() if value not in (None, "", [])}
        try:
            every = sweeps.judged(recipe, {**_stand_ins(recipe.params), **typed}, sweep, form.repeats())
        except Refused:
            return 0.0
        found += sum(each.at_least_s() for each in every)
    return found


def _asked_parts(form: RecipeForm) -> list[Part]:
    """Each recipe with all that it would be given, as it stands in the form."""
    typed = {name: _value(form, name) for name in form.recipe.params.model_fields}
    return [Part(part.recipe, {**typed, **beside.told()}, part.sweep)
            for part, beside in zip(form.parts(), (form, *form.compared), strict=True)]


def _listed(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value]) if each and "\x00" not in str(each)]


def _ignored(form: RecipeForm) -> list[str]:
    """What the first recipe sweeps and another does not take: their settings meet only at an equal budget."""
    lacks = {other.recipe.title: [name.replace("_", " ") for name in form.several()
                                  if name not in other.recipe.params.model_fields] for other in form.compared}
    return [f"{title} takes no {' and no '.join(names)}: compare it at an equal budget."
            for title, names in lacks.items() if names]


def _unusual(form: RecipeForm) -> list[str]:
    """Where a compared recipe is given what is not usual for it, because all share it."""
    said = []
    for other in form.compared:
        fields = other.recipe.params.model_fields
        shared = [name for name in other.own_names if name not in other.told()]
        names = [name for name in shared if studies.unusual(form.recipe, other.recipe, name)]
        said += [f"{other.recipe.title} has {_word(fields[name], name)} {_short(_value(form, name))} as all have; "
                 f"by itself it takes {said_of(other.recipe.params, name, fields[name].default)}." for name in names
                 if _plain(_value(form, name)) != _plain(fields[name].default)]
    return said


def _word(info: FieldInfo, name: str) -> str:
    return (info.title or name).replace("_", " ")


def _one_step(form: RecipeForm) -> list[str]:
    """A batch that holds more than there is: every epoch changes the weights once."""
    data = _things(form).get("dataset")
    images = data.counts.get("train") or 0 if data else 0
    typed = str(_value(form, "batch_size") or "").strip() if "batch_size" in form.fields else ""
    batch = int(typed[:12]) if typed.isascii() and typed.isdigit() else 0
    if not 0 < images < batch:
        return []
    return [f"A batch of {batch:,} is more than the {images:,} training images of {data}: every epoch is one step."]


def _remarks(form: RecipeForm) -> list[str]:
    """What the recipe itself remarks on these values; a thing that is not chosen yet does not matter for it."""
    typed = {name: value for name in form.recipe.params.model_fields if (value := _value(form, name)) not in (None, "", [])}
    try:
        return form.recipe.params.model_validate({**_stand_ins(form.recipe.params), **typed}).remarks()
    except BadParams:
        return []


def _stand_ins(params: type[Params]) -> dict[str, str]:
    """For the things without which nothing runs, until they are chosen; no two are the same."""
    return {name: name for name in params.references() if params.model_fields[name].is_required()}


def _settings(form: RecipeForm) -> list[tuple[str, str]]:
    """The essential values, and every other one that differs from its default."""
    params = form.recipe.params
    shown, unused = [], form.unused
    for name, info in params.model_fields.items():
        value = _value(form, name)
        if name in params.references() or name in unused or value in (None, ""):
            continue
        if extra(params, name).get("essential") or str(value) != str(form.fields[name].initial):
            unit = extra(params, name).get("unit", "") if extra(params, name).get("unit") != name else ""
            meant = said_of(params, name, value)
            shown.append((_word(info, name), meant if meant != value else counted(_short(value), unit)))
    return shown + _levels_of(form)


def _levels_of(form: RecipeForm) -> list[tuple[str, str]]:
    """The number of levels, where it follows from what is asked for."""
    names = form.recipe.params.model_fields
    found = 0.0 if "levels" in names else _levels({name: _value(form, name) for name in names})
    return [("levels", f"{found:.0f}, and the dense network: {found + 1:.0f} trainings")] if found else []


def _value(form: RecipeForm, name: str) -> Any:
    """As it stands there; browsers end lines in their own way."""
    value = form[name].value()
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _short(value: Any) -> str:
    value = ", ".join(value) if isinstance(value, list) else value.replace("\n", "; ") if isinstance(value, str) else value
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
    """A range from finished runs of these recipes on this model, scaled by the work; nothing when one of them has none."""
    things = _things(form)
    model = things.get("model")
    if team is None or model is None:
        return None
    parts = form.parts()
    past = _past(team, [part.recipe.name for part in parts])
    every = [_estimate(part, form.repeats(), things, past) for part in _asked_parts(form)]
    known = [each for each in every if each]
    if len(known) < len(every):
        return None
    runs = studies.count(parts, form.repeats())
    words = range_words(Range(sum(each.low for each in known), sum(each.high for each in known)))
    return Cost(words + (" in all" if runs > 1 else ""), sum(each.runs for each in known), model.model.name,
                any(each.scaled for each in known))


def _estimate(part: Part, repeats: int, things: Mapping[str, Any], past: _Past) -> _Estimate | None:
    """Seconds of all runs of one recipe."""
    model, data, many = things["model"], things.get("dataset"), part.sweep
    # Several values of anything but epochs are taken for the first one; the epochs are averaged.
    asked = {name: many[name][0] if name in many else part.values.get(name) for name in part.recipe.params.model_fields}
    work = _mean([_work(asked | {"epochs": each}, data.counts.get("train") if data else None)
                  for each in many.get("epochs", [asked.get("epochs")])])
    runs = sweeps.count(many, repeats)
    found = sorted(_alike(part.recipe, past, model, asked, work), key=lambda each: abs(math.log(each[1])))[:RUNS_JUDGED_BY]
    if not found:
        return None
    doubts = [STEADY + min(0.5, 0.1 * abs(math.log2(ratio))) for _, ratio in found]
    low = min(seconds * ratio * (1 - doubt) for (seconds, ratio), doubt in zip(found, doubts, strict=True))
    high = max(seconds * ratio * (1 + doubt) for (seconds, ratio), doubt in zip(found, doubts, strict=True))
    return _Estimate(low * runs, high * runs, len(found), any(ratio != 1 for _, ratio in found))


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


class _Past(NamedTuple):
    """Finished runs of some recipes, the models of the variants that they were given, and the sizes of their data."""

    runs: list[Run]
    architectures: dict[Any, Any]
    counts: dict[Any, Any]


class _Estimate(NamedTuple):
    low: float
    high: float
    runs: int
    scaled: bool


def _past(team: Team, recipes: list[str]) -> _Past:
    """The latest runs, in three queries whatever the number of recipes."""
    runs = Run.objects.filter(team=team, recipe__in=recipes, status=Status.FINISHED, attempt=1, started_at__isnull=False,
                              finished_at__isnull=False)
    rows = list(runs.order_by("-number").only("recipe", "params", "live_params", "inputs", "started_at", "finished_at",
                                              "queued_at")[:RUNS_LOOKED_AT * len(recipes)])
    architectures = dict(Variant.objects.filter(team=team, pk__in=_given(rows, "model")).values_list("pk", "model"))
    counts = dict(Dataset.objects.filter(team=team, pk__in=_given(rows, "dataset")).values_list("pk", "counts"))
    return _Past(rows, architectures, counts)


def _alike(recipe: Recipe, past: _Past, model: Variant, asked: Mapping[str, Any], work: float | None,
           ) -> Iterator[tuple[float, float]]:
    """(seconds, how many times its work is asked for now) of each run that can be compared."""
    for run in (run for run in past.runs if run.recipe == recipe.name):
        same_model = any(str(pk) in _ids(run, "model") and each == model.model_id for pk, each in past.architectures.items())
        images = next((each.get("train") for pk, each in past.counts.items() if str(pk) in _ids(run, "dataset")), None)
        done = _work(run.params | run.live_params, images)
        alike = same_model and _same_choices(recipe, asked, run.params, scaled=work is not None)
        if alike and run.started_at and run.finished_at:
            seconds = (run.finished_at - run.started_at).total_seconds()
            if work is None and done is None:
                yield seconds, 1.0
            elif work and done:
                yield seconds, work / done


def _work(params: Mapping[str, Any], images: Any) -> float | None:
    """Epochs, of each round where there are rounds, times training images; None for a recipe without epochs, or with none of
    them. Each level is a training more."""
    try:
        epochs = float(params.get("epochs") or 0) * (1 + _levels(params)) * float(params.get("rounds") or 1)
    except (TypeError, ValueError):
        return None
    return epochs * float(images or 1) if math.isfinite(epochs) and epochs > 0 else None


def _levels(params: Mapping[str, Any]) -> float:
    """Trainings after the first: as many as asked for, or as many as a sparsity takes when each prunes a fraction."""
    try:
        levels, fraction, sparsity = (float(params.get(name) or 0) for name in ("levels", "fraction", "sparsity"))
    except (TypeError, ValueError):
        return 0.0
    if levels or not 0 < fraction < 1 or not 0 <= sparsity < 1 or "sparsity" not in params:
        return levels
    return float(max(1, math.ceil(math.log(1 - sparsity) / math.log(1 - fraction) - 1e-6)))


def _same_choices(recipe: Recipe, asked: Mapping[str, Any], before: Mapping[str, Any], *, scaled: bool) -> bool:
    """Numbers may differ where epochs scale the time; what is chosen, or switched on, may not."""
    apart = {"seed", "epochs", *recipe.params.references()}
    for name in recipe.params.model_fields:
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
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else "; ".join(str(value or "").splitlines())


def _given(runs: list[Run], kind: str) -> set[str]:
    return {each for run in runs for each in _ids(run, kind)}


def _ids(run: Run, kind: str) -> set[str]:
    return {str(each["id"]) for each in run.inputs.values()
            if isinstance(each, dict) and each.get("kind") == kind and each.get("id")}
