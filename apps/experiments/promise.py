"""What an experiment will do and cost, in plain words, from a form as it stands."""

from __future__ import annotations

from statistics import median
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import F

from apps.accounts.models import Team
from apps.experiments.forms import RecipeForm
from apps.experiments.models import Run, Status
from worker.params import extra

RUNS_LOOKED_AT = 9


class Promise(NamedTuple):
    """A sentence, the essentials as pairs, what it cost so far here, and what is wrong or missing."""

    sentence: str
    settings: list[tuple[str, str]]
    took: list[float]
    problems: list[str]

    @property
    def usual_s(self) -> float:
        return median(self.took) if self.took else 0.0


def promise(form: RecipeForm, team: Team | None) -> Promise:
    recipe = form.recipe
    chosen = {name: _named(form, name) for name in recipe.params.references()}
    things = [name for name in chosen.values() if name]
    on = " on ".join([things[0], " · ".join(things[1:])]) if len(things) > 1 else " · ".join(things)
    sentence = f"{recipe.title}: {on}" if things else recipe.title
    return Promise(sentence, _settings(form), _took(recipe.name, team), _problems(form))


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
            shown.append(((info.title or name).replace("_", " "), f"{_short(value)} {unit}".strip()))
    return shown


def _value(form: RecipeForm, name: str) -> Any:
    return form[name].value()


def _short(value: Any) -> str:
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


def _took(recipe: str, team: Team | None) -> list[float]:
    """Seconds that the team's last finished runs of this recipe took."""
    rows = Run.objects.filter(team=team, recipe=recipe, status=Status.FINISHED, started_at__isnull=False)
    spans = rows.annotate(span=F("finished_at") - F("started_at")).order_by("-number")
    return [span.total_seconds() for span in spans.values_list("span", flat=True)[:RUNS_LOOKED_AT] if span]
