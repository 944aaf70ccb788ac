"""A form from a recipe's parameters: one declaration yields the fields, and judges what was typed into them."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, cast, get_args, get_origin

from django import forms
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from apps.accounts.models import Team, User
from apps.catalog.models import Dataset, RegisteredModel, Variant
from apps.devices.models import Device
from worker.params import Params, ReferenceKind, extra
from worker.recipe import Recipe
from worker.wording import bounds, complaint, range_words

LONGEST = 500


class RecipeForm(forms.Form):
    """What every recipe's form can do; `form_for` makes the class with its fields."""

    recipe: Recipe
    known: Mapping[str, Any] = types.MappingProxyType({})
    name = forms.CharField(required=False, max_length=200, label="Name",
                           help_text="How you will find it again; left empty, it names itself.")

    @property
    def essentials(self) -> list[forms.BoundField]:
        return [self[name] for name in self._fields() if self._is_essential(name)]

    @property
    def advanced(self) -> list[forms.BoundField]:
        return [self[name] for name in self._fields() if not self._is_essential(name)]

    @property
    def advanced_has_errors(self) -> bool:
        return any(field.errors for field in self.advanced)

    def clean(self) -> dict[str, Any]:
        """Judge by the recipe's own class, then say what does not fit together."""
        cleaned = super().clean() or {}
        misfits = list(mismatches(self.recipe, cleaned))
        self._judge(cleaned)
        for field, message in misfits:
            self.add_error(field, message)
        return cleaned

    def values(self) -> dict[str, Any]:
        """What was typed, as the recipe takes it: references as uuid strings, empty fields left to their defaults."""
        return {name: value for name, value in self._typed(self.cleaned_data).items() if value not in (None, "")}

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Put an action's refusal where the person looks: at the field, else above the form."""
        for field, message in errors.items():
            self.add_error(field if field in self.fields else None, message)

    def _judge(self, cleaned: dict[str, Any]) -> None:
        typed = {name: value for name, value in self._typed(cleaned).items() if value not in (None, "")}
        try:
            self.recipe.params.model_validate({**self.known, **typed})
        except ValidationError as error:
            for each in error.errors():
                field = str(each["loc"][0]) if each["loc"] else None
                if field in self.errors or (field is None and self.errors):
                    continue  # Said already, and in the field's own words.
                self.add_error(field if field in self.fields else None, complaint(each, self.recipe.params))

    def _typed(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _plain(self.recipe.params.model_fields[name], cleaned.get(name)) for name in self._fields()}

    def _fields(self) -> list[str]:
        return [name for name in self.recipe.params.model_fields if name in self.fields]

    def _is_essential(self, name: str) -> bool:
        params = self.recipe.params
        return bool(extra(params, name).get("essential")) or name in params.references() \
            or params.model_fields[name].is_required()


def form_for(recipe: Recipe, user: User, team: Team | None, only: list[str] | None = None) -> type[RecipeForm]:
    """The form class of a recipe for one person and team; `only` some of its fields when asked so."""
    names = [name for name in recipe.params.model_fields if only is None or name in only]
    made: dict[str, Any] = {name: field_for(recipe.params, name, user, team) for name in names}
    return type("LaunchForm", (RecipeForm,), {"recipe": recipe, **made, **({"name": None} if only is not None else {})})


def field_for(params: type[Params], name: str, user: User, team: Team | None) -> forms.Field:
    info = params.model_fields[name]
    kind = params.references().get(name)
    common: dict[str, Any] = {"label": label_of(name, info),
                              "help_text": info.description or "", "required": info.is_required()}
    field = reference_field(kind, user, team, common) if kind else _plain_field(info, common)
    if not kind and not info.is_required():
        field.initial = _shown(info.get_default(call_default_factory=True))
    field.unit, field.range_words = extra(params, name).get("unit", ""), range_words(info)  # type: ignore[attr-defined]
    return field


def label_of(name: str, info: FieldInfo) -> str:
    words = info.title or WORDS.get(cast(ReferenceKind, name)) or name.replace("_", " ")
    return words[:1].upper() + words[1:]


class RenameForm(forms.Form):
    """Another name for an experiment."""

    name = forms.CharField(max_length=200, label="Name", error_messages={
        "required": "is needed", "max_length": "is too long: at most %(limit_value)d characters; got %(show_value)d"})


class ThingChoice(forms.Select):
    """A choice that tells the page's script what each thing takes: samples and classes."""

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **more: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, label, *args, **more)
        thing = getattr(value, "instance", None)
        thing = thing.model if isinstance(thing, Variant) else thing
        if isinstance(thing, RegisteredModel | Dataset):
            option["attrs"]["data-takes"] = f"{TIMES.join(map(str, thing.in_shape))}, {thing.classes} classes"
        return option


TIMES = "\u00d7"


class ThingField(forms.ModelChoiceField[Any]):
    """A choice among the team's things; text that is no id at all is refused like an id that is not there."""

    widget = ThingChoice

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except forms.ValidationError:
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice") from None

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.model.name} · {obj.name}" if isinstance(obj, Variant) else str(obj)


def reference_field(kind: ReferenceKind, user: User, team: Team | None, common: Mapping[str, Any]) -> forms.Field:
    """A choice among what the team has; anything else, foreign or made up, is not a choice."""
    gone = {"invalid_choice": "is no longer there; choose another", "required": f"choose a {WORDS[kind]}"}
    if kind == "model":
        variants = Variant.objects.visible_to(user).filter(team=team).select_related("model")
        return ThingField(variants.order_by("model__name", "created"), error_messages=gone,
                          empty_label="choose a model", **common)
    source: Any = Dataset if kind == "dataset" else Device
    rows = source.objects.visible_to(user).filter(team=team)
    rows = rows.filter(retired=False) if kind == "device" else rows
    return ThingField(rows, error_messages=gone, empty_label=f"choose a {WORDS[kind]}", **common)


WORDS: dict[ReferenceKind, str] = {"model": "model", "dataset": "data set", "device": "device"}


def _plain_field(info: FieldInfo, common: dict[str, Any]) -> forms.Field:
    kind = inner(info.annotation)
    if kind is bool:
        return forms.BooleanField(**{**common, "required": False})
    needed = {"required": "is needed"}
    if get_origin(kind) is Literal:
        choices = [(str(value), str(value)) for value in get_args(kind)]
        return forms.ChoiceField(choices=choices, error_messages=needed, **common)
    too_long = "is too long: at most %(limit_value)d characters; got %(show_value)d"
    attrs = _number_attrs(info, kind) if kind in (int, float) else {"autocomplete": "off"}
    return forms.CharField(max_length=LONGEST, widget=forms.TextInput(attrs=attrs),
                           error_messages=needed | {"max_length": too_long}, **common)


def _number_attrs(info: FieldInfo, kind: Any) -> dict[str, str]:
    """A text field with a number pad: a number field would swallow what was typed wrongly instead of naming it."""
    low = bounds(info)[0]
    signed = low is None or low.value < 0
    return {"inputmode": "text" if signed else "numeric" if kind is int else "decimal", "autocomplete": "off",
            "data-number": "int" if kind is int else "float"}


def inner(annotation: Any) -> Any:
    """The type itself of `X | None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return rest[0] if len(rest) == 1 else annotation
    return annotation


def _plain(info: FieldInfo, value: Any) -> Any:
    """A cleaned value as the parameter's class reads it."""
    if hasattr(value, "pk"):
        return str(value.pk)
    if isinstance(value, str) and get_origin(inner(info.annotation)) in (tuple, list, set, frozenset):
        return [part.strip() for part in value.split(",") if part.strip()]
    if get_origin(inner(info.annotation)) is Literal:
        return next((choice for choice in get_args(inner(info.annotation)) if str(choice) == value), value)
    return value


def _shown(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list | set | frozenset) else value


def initial(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a preset or of an earlier run, as the form shows them."""
    return {name: _shown(value) for name, value in values.items() if name in recipe.params.model_fields}


def mismatches(recipe: Recipe, cleaned: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each data set that does not fit a chosen model: (field, sentence)."""
    kinds = recipe.params.references()
    chosen = {name: cleaned[name] for name in kinds if cleaned.get(name)}
    variants = [thing for name, thing in chosen.items() if kinds[name] == "model"]
    for name, dataset in chosen.items():
        if kinds[name] == "dataset":
            yield from ((name, sentence) for variant in variants if (sentence := variant.model.misfit(dataset)))
