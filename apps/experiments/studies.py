"""Several recipes in one experiment: all get what they share, each its own fields beside it. No database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from apps.accounts.refusal import Refused
from apps.experiments import sweeps
from apps.experiments.sweeps import MOST_RUNS, Sweep
from worker import menu
from worker.params import Params
from worker.recipe import Paper, Recipe

# What a sweep calls the recipes, and the field that names them; no recipe has a parameter of these names.
RECIPE, FIELD = "recipe", "compare_with"
Asked = tuple[Recipe, Params]


class Own(NamedTuple):
    """What one of the compared recipes is told that the first one does not take."""

    params: Mapping[str, Any] = {}
    sweep: Sweep = {}


class Part(NamedTuple):
    """One recipe of an experiment, with all its values."""

    recipe: Recipe
    values: Mapping[str, Any]
    sweep: Sweep


def rivals(recipe: Recipe) -> list[Recipe]:
    """The recipes that can be compared with this one: of its kind, to the same end, and given the same things."""
    things = recipe.params.references()
    return [other for other in menu.recipes().values() if other.name != recipe.name and other.kind == recipe.kind
            and bool(other.makes) == bool(recipe.makes)
            and all(things.get(field) == kind for field, kind in other.params.references().items()
                    if other.params.model_fields[field].is_required())]


def recipes_of(recipe: str, sweep: Sequence[Sequence[Any]]) -> list[str]:
    """The recipes of an experiment, the first one first."""
    return list({field: many for field, many in sweep}.get(RECIPE) or [recipe])


def papers_of(recipes: Iterable[str]) -> list[Paper]:
    """Each paper once, in the order of the recipes that are on the menu."""
    known = [recipe for name in recipes if (recipe := menu.find(name))]
    return list({paper.key: paper for recipe in known for paper in recipe.papers}.values())


def shared(recipe: Recipe, other: Recipe) -> list[str]:
    return [name for name in other.params.model_fields if name in recipe.params.model_fields]


def own(recipe: Recipe, other: Recipe) -> list[str]:
    """What the other may be told by itself: what the first recipe does not take, and where the usual value is another."""
    return [name for name in other.params.model_fields
            if name not in recipe.params.model_fields or unusual(recipe, other, name)]


def unusual(recipe: Recipe, other: Recipe, field: str) -> bool:
    """Whether both take it, and what is usual for one is not for the other: a method's own warm-up, say."""
    if field not in recipe.params.model_fields or field in recipe.params.references():
        return False
    one, two = recipe.params.model_fields[field], other.params.model_fields[field]
    return not one.is_required() and not two.is_required() and one.annotation is not bool and one.default != two.default


def parts(recipe: Recipe, values: Mapping[str, Any], sweep: Sweep, others: Mapping[str, Own]) -> list[Part]:
    """The first recipe and those it is compared with; Refused names what cannot be."""
    return [Part(recipe, values, sweep), *(_part(recipe, values, sweep, name, told) for name, told in others.items())]


def _part(recipe: Recipe, values: Mapping[str, Any], sweep: Sweep, name: str, told: Own) -> Part:
    other = _rival(recipe, name)
    same = shared(recipe, other)
    # A field that all share has one value for all: the first recipe's own default where nothing was said.
    defaults = {field: info.get_default(call_default_factory=True) for field in same
                if not (info := recipe.params.model_fields[field]).is_required()}
    for field in (*told.params, *told.sweep):
        if field in same and field not in own(recipe, other):
            raise Refused({_at(other, field): f"is shared: what {recipe.title} is given holds for {other.title} too"})
    return Part(other, {**{field: value for field, value in {**defaults, **values}.items() if field in same}, **told.params},
                {**{field: many for field, many in sweep.items() if field in same and field not in told.params}, **told.sweep})


def _rival(recipe: Recipe, name: str) -> Recipe:
    found = next((other for other in rivals(recipe) if other.name == name), None)
    if found is None:
        allowed = ", ".join(other.name for other in rivals(recipe)) or "none"
        raise Refused({FIELD: f"{recipe.title} cannot be compared with {name[:80]!r}; there are: {allowed}"})
    return found


def judged(every: Sequence[Part], repeat: Any) -> list[Asked]:
    """What each run is told, recipe by recipe; Refused names what is wrong at its field, and whose it is."""
    first, *others = every
    found: list[Asked] = [(first.recipe, params) for params in sweeps.judged(first.recipe, first.values, first.sweep, repeat)]
    for part in others:
        found += [(part.recipe, params) for params in judged_beside(first, part, repeat)]
    if len(found) > MOST_RUNS:
        raise Refused({FIELD: f"these would be {words(every, int(repeat))}; an experiment has at most {MOST_RUNS}"})
    return found


def judged_beside(first: Part, part: Part, repeat: Any) -> list[Params]:
    try:
        return sweeps.judged(part.recipe, part.values, part.sweep, repeat)
    except Refused as refused:
        mine, said = own(first.recipe, part.recipe), refused.errors.items()
        raise Refused({_at(part.recipe, field) if field in mine or field not in first.recipe.params.model_fields else field:
                       f"{part.recipe.title}: {message}" for field, message in said}) from None


def _at(recipe: Recipe, field: str) -> str:
    return f"{FIELD}.{recipe.name}.{field}"


def count(every: Iterable[Part], repeat: int) -> int:
    return sum(sweeps.count(part.sweep, repeat) for part in every)


def words(every: Sequence[Part], repeat: int) -> str:
    """`18 runs: 3 recipes × 2 values of sparsity × 3 seeds`, or how many of each recipe; nothing for a single run."""
    first = every[0]
    if len(every) == 1:
        return sweeps.words(first.sweep, repeat)
    runs = count(every, repeat)
    if all(part.sweep.keys() == first.sweep.keys() for part in every):
        rest = sweeps.words(first.sweep, repeat).partition(": ")[2]
        return " × ".join(part for part in (f"{runs:,} runs: {len(every)} recipes", rest) if part)
    each = ", ".join(f"{part.recipe.title} {sweeps.count(part.sweep, repeat)}" for part in every)
    return f"{runs:,} runs: {each}"


def kept(every: Sequence[Part], found: Sequence[Asked]) -> list[list[Any]]:
    """The sweep as an experiment keeps it: the recipes where there are several, then each field with several values."""
    recipes = list(dict.fromkeys(part.recipe.name for part in every))
    fields = dict.fromkeys(field for part in every for field, many in part.sweep.items() if len(many) > 1)
    return [*([[RECIPE, recipes]] if len(recipes) > 1 else []),
            *([field, sweeps.in_order([params for _, params in found], field)] for field in fields)]


def asked_for(given: Sequence[tuple[Recipe, Mapping[str, Any]]]) -> tuple[list[Part], list[int]]:
    """What was asked for, from the runs it made: each recipe with its first values and its sweep, and the seeds of all."""
    by_recipe: dict[str, list[Mapping[str, Any]]] = {}
    for recipe, values in given:
        by_recipe.setdefault(recipe.name, []).append(values)
    found = [Part(recipe, by_recipe[recipe.name][0], _swept(recipe, by_recipe[recipe.name]))
             for recipe in {recipe.name: recipe for recipe, _ in given}.values()]
    return found, sorted({int(values.get("seed", 0)) for _, values in given})


def _swept(recipe: Recipe, many: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The fields in which these runs differ, but for the seed, each value once, in their order."""
    fields = [name for name in recipe.params.model_fields if name != "seed"]
    values = {name: list({json.dumps(each.get(name)): each.get(name) for each in many}.values()) for name in fields}
    return {name: found for name, found in values.items() if len(found) > 1}


def reseeded(given: Sequence[tuple[Recipe, Mapping[str, Any]]], repeat: Any) -> list[Asked]:
    """Each combination of earlier runs with so many seeds more; all recipes get the same ones."""
    by_recipe: dict[str, list[Mapping[str, Any]]] = {}
    for recipe, values in given:
        by_recipe.setdefault(recipe.name, []).append(values)
    first = 1 + max((int(values["seed"]) for _, values in given), default=0)
    found = [(recipe, params) for recipe in {recipe.name: recipe for recipe, _ in given}.values()
             for params in sweeps.reseeded(recipe, by_recipe[recipe.name], repeat, first)]
    if len(given) + len(found) > MOST_RUNS:
        runs = len(given) + len(found)
        raise Refused({"repeat": f"these would be {runs:,} runs in all; an experiment has at most {MOST_RUNS}"})
    return found
