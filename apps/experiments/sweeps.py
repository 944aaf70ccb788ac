"""Several values of some parameters, several seeds: which runs that makes, and what is wrong with them. No database."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from apps.accounts.refusal import Refused
from worker.params import Params
from worker.recipe import Recipe
from worker.wording import complaint

MOST_RUNS, MOST_REPEATS, MOST_COUNTED = 200, 20, 2000
Sweep = Mapping[str, Sequence[Any]]
RANGE = re.compile(r"(-?\d{1,9})\s*\.\.\s*(-?\d{1,9})")
LISTS = (tuple, list, set, frozenset)


def inner(annotation: Any) -> Any:
    """The type itself of `X | None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return rest[0] if len(rest) == 1 else annotation
    return annotation


def several(info: FieldInfo, text: str) -> list[str]:
    """The values that were typed into a field: `0.5, 0.75`, `1..5` of whole numbers; a field that takes lists parts at `;`."""
    kind = inner(info.annotation)
    if get_origin(kind) in LISTS:
        return _parts(text, ";")
    if kind not in (int, float) and get_origin(kind) is not Literal:
        return [text]
    return [value for part in _parts(text, ",") for value in (_range(part) if kind is int else [part])]


def _parts(text: str, mark: str) -> list[str]:
    return [part.strip() for part in text.split(mark) if part.strip()]


def _range(part: str) -> list[str]:
    found = RANGE.fullmatch(part)
    if not found:
        return [part]
    first, last = int(found[1]), int(found[2])
    # What is refused is counted truly up to here, and said to be more above; a million of them would only take memory.
    return [str(value) for value in range(first, min(last, first + MOST_COUNTED) + 1)] or [part]


def count(sweep: Sweep, repeat: int) -> int:
    return prod([len(values) for values in sweep.values()], start=repeat)


def words(sweep: Sweep, repeat: int) -> str:
    """`12 runs: 3 values of sparsity × 4 seeds`; nothing for a single run."""
    runs = count(sweep, repeat)
    parts = [f"{len(values)} values of {field.replace('_', ' ')}" for field, values in sweep.items() if len(values) > 1]
    parts += [f"{repeat} seeds"] if repeat > 1 else []
    if any(len(values) == MOST_COUNTED + 1 for values in sweep.values()):
        return f"more than {MOST_COUNTED:,} runs"
    return f"{runs:,} runs: {' × '.join(parts)}" if runs > 1 else ""


def judged(recipe: Recipe, values: Mapping[str, Any], sweep: Sweep, repeat: Any) -> list[Params]:
    """The parameters of every run, in the order of the sweep, seeds innermost; Refused names what is wrong at its field."""
    seeds = _repeats(repeat)
    wrong = {field: "name at least one value" for field, many in sweep.items() if not many}
    wrong |= {"repeat": seeds} if isinstance(seeds, str) else {}
    if "seed" in sweep and isinstance(seeds, int) and seeds > 1:
        wrong["repeat"] = "leave this at 1 when you name the seeds yourself"
    if wrong:  # Told together with what the recipe says against the values.
        raise Refused(complaints(recipe, {**values, **{field: many[0] for field, many in sweep.items() if many}}) | wrong)
    assert isinstance(seeds, int)
    _refuse_too_many(sweep, seeds)
    _refuse_values(recipe, values, sweep)
    return [_model(recipe, each) for each in _seeded(recipe, _product(values, sweep), seeds)]


def _repeats(repeat: Any) -> int | str:
    """How many seeds, or what is wrong with the number."""
    text = str(repeat).strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 and not isinstance(repeat, bool) else 0
    if 1 <= number <= MOST_REPEATS:
        return number
    return f"must be a whole number, between 1 and {MOST_REPEATS}; got {text[:40]}"


def _refuse_too_many(sweep: Sweep, repeat: int) -> None:
    if count(sweep, repeat) > MOST_RUNS:
        longest = max(sweep, key=lambda field: len(sweep[field]), default="repeat")
        raise Refused({longest: f"these would be {words(sweep, repeat)}; an experiment has at most {MOST_RUNS}"})


def _refuse_values(recipe: Recipe, values: Mapping[str, Any], sweep: Sweep) -> None:
    """Every field's own complaint, each value of a sweep judged beside the first values of the others."""
    first = {**values, **{field: many[0] for field, many in sweep.items()}}
    said = complaints(recipe, first)
    for field, many in sweep.items():
        wrong = [text for value in many if (text := complaints(recipe, {**first, field: value}).get(field))]
        said |= {field: "; ".join(dict.fromkeys(wrong))} if wrong else {}
        if not said and (again := _again(recipe, first, field, many)):
            said[field] = f"names {again} more than once"
    if said:
        raise Refused(said)


def _again(recipe: Recipe, first: Mapping[str, Any], field: str, many: Sequence[Any]) -> str:
    """A value that stands there twice, however it is written."""
    known: set[str] = set()
    for value in many:
        plain = _canonical(recipe, {**first, field: value}, field)
        if plain in known:
            return str(value)
        known.add(plain)
    return ""


def _canonical(recipe: Recipe, values: Mapping[str, Any], field: str) -> str:
    """A value as the recipe reads it: `1.0` and `1` of a whole number are the same."""
    try:
        return json.dumps(recipe.params.model_validate(dict(values)).model_dump(mode="json")[field])
    except ValidationError:  # It does not go with the other fields' first values.
        return json.dumps(values[field], default=str)


def complaints(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, str]:
    """What the recipe's own class says against these values, by field."""
    try:
        recipe.params.model_validate(dict(values))
    except ValidationError as wrong:
        return {str(error["loc"][0]) if error["loc"] else "": complaint(error, recipe.params) for error in wrong.errors()}
    return {}


def _model(recipe: Recipe, values: Mapping[str, Any]) -> Params:
    if wrong := complaints(recipe, values):
        raise Refused(wrong)
    return recipe.params.model_validate(dict(values))


def _product(values: Mapping[str, Any], sweep: Sweep) -> Iterator[dict[str, Any]]:
    for chosen in product(*sweep.values()):
        yield {**values, **dict(zip(sweep, chosen, strict=True))}


def _seeded(recipe: Recipe, combinations: Iterable[dict[str, Any]], repeat: int) -> Iterator[dict[str, Any]]:
    for values in combinations:
        if repeat == 1:
            yield values
            continue
        first = _model(recipe, values).seed
        yield from ({**values, "seed": first + more} for more in range(repeat))


def in_order(every: Sequence[Params], field: str) -> list[Any]:
    """The values that a field takes among these runs, each once, as they are kept."""
    taken = [each for each in every if field in type(each).model_fields]
    return list({json.dumps(value): value for each in taken if [value := each.model_dump(mode="json")[field]]}.values())


def reseeded(recipe: Recipe, given: Sequence[Mapping[str, Any]], repeat: Any, first: int) -> list[Params]:
    """Each combination of earlier runs with so many seeds more, beginning with this one."""
    more = _repeats(repeat)
    if isinstance(more, str):
        raise Refused({"repeat": more})
    combinations = {unseeded(values): values for values in given}.values()
    return [_model(recipe, {**values, "seed": first + step}) for values in combinations for step in range(more)]


def unseeded(values: Mapping[str, Any]) -> str:
    """What two runs share that differ only in their seed."""
    return json.dumps({name: value for name, value in values.items() if name != "seed"}, sort_keys=True)
