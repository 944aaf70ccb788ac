"""The part of a new experiment's form that names other recipes to compare with, each with the fields that are its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import QueryDict

from apps.accounts.models import Team, User
from apps.experiments.choice_of_one import ChoiceField
from apps.experiments.fields import initial, initial_sweep
from apps.experiments.forms import RecipeForm, form_for
from apps.experiments.studies import FIELD, Part, own, rivals, unusual
from worker.recipe import Recipe

# What stands at a recipe before anything is sent: whether it is ticked, and its own fields.
Told = tuple[bool, Mapping[str, Any]]


def attach(form: RecipeForm, user: User, team: Team | None) -> RecipeForm:
    """Give the form the recipes that it can be compared with, as they were sent or as they are to begin with."""
    begun: Mapping[str, Told] = {} if form.is_bound else form.initial.get(FIELD) or {}
    if form.is_bound:
        begun = typed(form.recipe, form.data)  # type: ignore[arg-type]
    form.others = [_other(form, other, begun.get(other.name, (False, {})), user, team) for other in rivals(form.recipe)]
    return form


def typed(recipe: Recipe, data: QueryDict) -> dict[str, Told]:
    """What was sent of each recipe, ticked or not, so that nothing typed is lost."""
    ticked = data.getlist(FIELD)
    return {other.name: (other.name in ticked, {name: _sent(data, f"{_prefix(other)}-{name}") for name in own(recipe, other)
                                                if f"{_prefix(other)}-{name}" in data}) for other in rivals(recipe)}


def _sent(data: QueryDict, key: str) -> Any:
    more = data.getlist(f"{key}-also")
    return [data[key], *more] if more else data[key]


def begun(recipe: Recipe, earlier: Iterable[Part]) -> dict[str, Told]:
    """The same from an earlier experiment."""
    return {part.recipe.name: (True, {name: value for name, value in (initial(part.recipe, part.values)
                                                                      | initial_sweep(part.recipe, part.sweep)).items()
                                      if name in own(recipe, part.recipe)}) for part in earlier}


def _other(form: RecipeForm, other: Recipe, told: Told, user: User, team: Team | None) -> RecipeForm:
    is_chosen, mine = told
    names = own(form.recipe, other)
    made = form_for(other, user, team, names, is_sweepable=True)
    made.own_names, made.is_chosen = names, is_chosen
    for field in made.base_fields.values():
        if isinstance(field, ChoiceField):
            field.widget.words = f"{other.title}: {field.label}"
    as_above = [name for name in names if unusual(form.recipe, other, name)]
    for name in as_above:
        _may_be_as_above(made.base_fields[name])
    if is_chosen and form.is_bound:
        return made(form.data, prefix=_prefix(other))
    return made(initial={**dict.fromkeys(as_above, ""), **mine}, prefix=_prefix(other))


def _may_be_as_above(field: Any) -> None:
    """Left empty, it has the value that all share; what is usual for this recipe is said."""
    field.help_text = f"{field.help_text} By itself {field.initial}; left empty, as above."
    if isinstance(field, ChoiceField):
        field.choices = [("", "as above"), *list(field.choices)]  # type: ignore[arg-type]


def _prefix(other: Recipe) -> str:
    return f"with-{other.name}"
