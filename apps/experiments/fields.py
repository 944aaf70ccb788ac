"""A field from a recipe's parameter, what stands in it at first, and what was typed as the parameter takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast, get_args, get_origin

from annotated_types import MaxLen
from django import forms
from pydantic.fields import FieldInfo

from apps.accounts.models import Team, User
from apps.experiments.choice_of_one import ChoiceField, network_field
from apps.experiments.choices import WORDS, reference_field
from apps.experiments.lines import Lines, LinesField
from apps.experiments.sweeps import LISTS, inner, several
from worker.params import Params, ReferenceKind, extra
from worker.recipe import Recipe
from worker.wording import bounds, range_words

LONGEST, LONGEST_LINES = 500, 2000
LEAST_ROWS, MOST_ROWS = 3, 8


def field_for(params: type[Params], name: str, user: User, team: Team | None) -> forms.Field:
    info = params.model_fields[name]
    kind = params.references().get(name)
    common: dict[str, Any] = {"label": label_of(name, info),
                              "help_text": info.description or "", "required": info.is_required()}
    field = reference_field(params, name, user, team, common) if kind else (
        network_field(user, team, common) if name in params.networks() else _plain_field(info, common, extra(params, name)))
    if not kind and not info.is_required():
        field.initial = begun(params, name, info.get_default(call_default_factory=True))
    field.unit, field.range_words = extra(params, name).get("unit", ""), range_words(info)  # type: ignore[attr-defined]
    field.cuts = extra(params, name).get("cuts", "")  # type: ignore[attr-defined]
    if field.cuts and not extra(params, name).get("lines"):  # type: ignore[attr-defined]
        field.widget.attrs["list"] = f"{name}-places"
    return field


def label_of(name: str, info: FieldInfo) -> str:
    words = info.title or WORDS.get(cast(ReferenceKind, name)) or name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _plain_field(info: FieldInfo, common: dict[str, Any], noted: Mapping[str, Any]) -> forms.Field:
    kind = inner(info.annotation)
    if kind is bool:
        return forms.BooleanField(**{**common, "required": False})
    needed = {"required": "is needed"}
    if get_origin(kind) is Literal:
        choices = [(str(value), str(value)) for value in get_args(kind)]
        return ChoiceField(choices=choices, error_messages=needed, **common)
    too_long = "is too long: at most %(limit_value)d characters; got %(show_value)d"
    attrs = _number_attrs(info, kind) if kind in (int, float) else {"autocomplete": "off"}
    said = {"error_messages": needed | {"max_length": too_long}, **common}
    if noted.get("lines"):
        longest = next((mark.max_length for mark in info.metadata if isinstance(mark, MaxLen)), LONGEST_LINES)
        return LinesField(max_length=longest, widget=Lines({**attrs, "rows": _rows(info), "spellcheck": "false"}), **said)
    return forms.CharField(max_length=LONGEST, widget=forms.TextInput(attrs=attrs), **said)


def _number_attrs(info: FieldInfo, kind: Any) -> dict[str, str]:
    """A text field with a number pad: a number field would swallow what was typed wrongly instead of naming it."""
    low = bounds(info)[0]
    signed = low is None or low.value < 0
    return {"inputmode": "text" if signed else "numeric" if kind is int else "decimal", "autocomplete": "off",
            "data-number": "int" if kind is int else "float"}


def values_in(info: FieldInfo, value: Any) -> list[str]:
    """The values that stand in a field: those of several boxes, or of one text."""
    if isinstance(value, list):
        return [str(each) for each in value]
    return several(info, value) if isinstance(value, str) and len(value) <= LONGEST else []


def plain_value(info: FieldInfo, value: Any) -> Any:
    """A cleaned value as the parameter's class reads it."""
    if hasattr(value, "pk"):
        return str(value.pk)
    if isinstance(value, str) and get_origin(inner(info.annotation)) in LISTS:
        return [part.strip() for part in value.split(",") if part.strip()]
    if get_origin(inner(info.annotation)) is Literal:
        return next((choice for choice in get_args(inner(info.annotation)) if str(choice) == value), value)
    return value


def _rows(info: FieldInfo) -> int:
    """As high as what stands in it at first, within bounds."""
    return min(max(LEAST_ROWS, _lines_of(info.default)), MOST_ROWS)


def _lines_of(default: Any) -> int:
    return len(str(default).replace("; ", "\n").split("\n"))


def _shown(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list | set | frozenset) else value


def begun(params: type[Params], name: str, value: Any) -> Any:
    """A value as its field shows it. Text of several lines is kept with `;` between them: here it is one under the other."""
    shown = _shown(value)
    return "\n".join(shown.split("; ")) if isinstance(shown, str) and extra(params, name).get("lines") else shown


def initial(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a preset or of an earlier run, as the form shows them."""
    return {name: begun(recipe.params, name, value) for name, value in values.items() if name in recipe.params.model_fields}


def initial_sweep(recipe: Recipe, swept: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Several values of a field as the form shows them: boxes of a choice, else one text."""
    infos, shown = recipe.params.model_fields, {}
    for name, values in swept.items():
        kind = get_origin(inner(infos[name].annotation)) if name in infos else None
        if name in infos and name not in recipe.params.references() and inner(infos[name].annotation) is not bool:
            mark = "; " if kind in LISTS else ", "
            is_choice = kind is Literal or name in recipe.params.networks()
            shown[name] = list(map(str, values)) if is_choice else mark.join(str(_shown(value)) for value in values)
    return shown
