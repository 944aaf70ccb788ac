"""A form from a recipe's parameters: one declaration yields the fields, and judges what was typed into them."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast, get_args, get_origin

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from pydantic.fields import FieldInfo

from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.accounts.words import plain
from apps.experiments import sweeps
from apps.experiments.choices import WORDS, reference_field
from apps.experiments.sweeps import LISTS, MOST_REPEATS, inner, several
from apps.experiments.tags import words_of
from worker.params import Params, ReferenceKind, extra
from worker.recipe import Recipe
from worker.wording import bounds, range_words

LONGEST, LONGEST_NAME = 500, 200
OWN = ("name", "repeat", "tags")  # what belongs to the experiment, not to the recipe's parameters


class RecipeForm(forms.Form):
    """What every recipe's form can do; `form_for` makes the class with its fields."""

    recipe: Recipe
    known: Mapping[str, Any] = types.MappingProxyType({})
    is_sweepable = True
    name = forms.CharField(required=False, label="Name", widget=forms.TextInput({"autocomplete": "off"}),
                           help_text="How you will find it again; left empty, it names itself.")
    repeat = forms.CharField(required=False, max_length=40, label="Repeat", initial="1",
                             widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
                             help_text="Runs everything with so many seeds: the seed, the next one, and so on.")
    tags = forms.CharField(required=False, max_length=LONGEST, label="Tags", widget=forms.TextInput({"autocomplete": "off"}),
                           help_text="Words to find it by, parted by commas.")
    repeat.unit, repeat.range_words = "seeds", f"between 1 and {MOST_REPEATS}"  # type: ignore[attr-defined]

    @property
    def essentials(self) -> list[forms.BoundField]:
        return [self[name] for name in self._fields() if self._is_essential(name)]

    @property
    def advanced(self) -> list[forms.BoundField]:
        return [self[name] for name in self._fields() if not self._is_essential(name)]

    @property
    def advanced_has_errors(self) -> bool:
        return any(field.errors for field in self.advanced)

    @property
    def own(self) -> list[forms.BoundField]:
        return [self[name] for name in OWN if name in self.fields]

    def clean_name(self) -> str:
        """Judged here, not cut by the browser: what was typed stays."""
        wrong: dict[str, str] = {}
        name = plain("name", self.cleaned_data["name"], LONGEST_NAME, wrong, needed=False)
        if wrong:
            raise forms.ValidationError(wrong["name"])
        return name

    def clean_tags(self) -> list[str]:
        try:
            return words_of([self.cleaned_data["tags"]])
        except Refused as refused:
            raise forms.ValidationError(refused.errors["tags"]) from None

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
        return self._typed(self.cleaned_data)

    def sweep(self) -> dict[str, list[Any]]:
        """The fields in which several values stand, with these as the recipe takes them."""
        infos = self.recipe.params.model_fields
        return {name: [_plain(infos[name], value) for value in many] for name, many in self.several().items()}

    def several(self) -> dict[str, list[str]]:
        """The fields in which several values stand, as they stand there, of a form that was sent or not."""
        if not self.is_sweepable:
            return {}
        infos, kinds = self.recipe.params.model_fields, self.recipe.params.references()
        many = {name: _parts(infos[name], self[name].value()) for name in self._fields() if name not in kinds}
        return {name: values for name, values in many.items() if len(values) > 1}

    def repeats(self) -> int:
        """How many seeds; 1 while something else stands there."""
        typed = str(self["repeat"].value() or "1").strip() if "repeat" in self.fields else "1"
        return int(typed) if typed.isascii() and typed.isdigit() and 1 <= int(typed[:9]) <= MOST_REPEATS else 1

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Put an action's refusal where the person looks: at the field, else above the form."""
        for field, message in errors.items():
            self.add_error(field if field in self.fields else None, message)

    def _judge(self, cleaned: dict[str, Any]) -> None:
        try:
            sweeps.judged(self.recipe, {**self.known, **self._typed(cleaned)}, self.sweep(), cleaned.get("repeat") or 1)
        except Refused as refused:
            for field, message in refused.errors.items():
                # Said already, and in the field's own words.
                if field not in self.errors and (field or not self.errors):
                    self.add_error(field if field in self.fields else None, message)

    def _typed(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        infos, many = self.recipe.params.model_fields, self.several()
        typed = {name: _plain(infos[name], many[name][0] if name in many else _one(cleaned.get(name))) for name in self._fields()}
        return {name: value for name, value in typed.items() if value not in (None, "")}

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
    less = {"is_sweepable": False, **dict.fromkeys(OWN)} if only is not None else {}
    return type("LaunchForm", (RecipeForm,), {"recipe": recipe, **made, **less})


def field_for(params: type[Params], name: str, user: User, team: Team | None) -> forms.Field:
    info = params.model_fields[name]
    kind = params.references().get(name)
    common: dict[str, Any] = {"label": label_of(name, info),
                              "help_text": info.description or "", "required": info.is_required()}
    field = reference_field(params, name, user, team, common) if kind else _plain_field(info, common)
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


class Choice(forms.Select):
    """A choice of one, with boxes under it for those who want to try several."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        one, more = data.get(name), data.getlist(f"{name}-also") if hasattr(data, "getlist") else []
        return [one, *(value for value in more if value != one)] if one and more else one

    def format_value(self, value: Any) -> Any:
        return super().format_value(_one(value))

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = set(map(str, value)) if isinstance(value, list) else set()
        boxes = format_html_join("", '<label><input type="checkbox" name="{0}-also" value="{1}"{2}> {1}</label>', (
            (name, choice, SafeString(" checked") if str(choice) in chosen else "") for choice, _ in self.choices if choice))
        return format_html('<div class="choice">{}<details class="also"{}><summary>or several</summary>'
                           '<fieldset><legend class="unseen">try several of {}</legend>{}</fieldset></details></div>',
                           super().render(name, value, attrs, renderer), SafeString(" open") if chosen else "",
                           name.replace("_", " "), boxes)


class ChoiceField(forms.ChoiceField):
    """One of the choices, or several of them."""

    widget = Choice

    def to_python(self, value: Any) -> Any:
        one = super().to_python
        return [one(each) for each in value] if isinstance(value, list) else one(value)

    def validate(self, value: Any) -> None:
        for each in value if isinstance(value, list) else [value]:
            super().validate(each)


def _plain_field(info: FieldInfo, common: dict[str, Any]) -> forms.Field:
    kind = inner(info.annotation)
    if kind is bool:
        return forms.BooleanField(**{**common, "required": False})
    needed = {"required": "is needed"}
    if get_origin(kind) is Literal:
        choices = [(str(value), str(value)) for value in get_args(kind)]
        return ChoiceField(choices=choices, error_messages=needed, **common)
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


def _parts(info: FieldInfo, value: Any) -> list[str]:
    """The values that stand in a field: those of several boxes, or of one text."""
    if isinstance(value, list):
        return [str(each) for each in value]
    return several(info, value) if isinstance(value, str) and len(value) <= LONGEST else []


def _one(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _plain(info: FieldInfo, value: Any) -> Any:
    """A cleaned value as the parameter's class reads it."""
    if hasattr(value, "pk"):
        return str(value.pk)
    if isinstance(value, str) and get_origin(inner(info.annotation)) in LISTS:
        return [part.strip() for part in value.split(",") if part.strip()]
    if get_origin(inner(info.annotation)) is Literal:
        return next((choice for choice in get_args(inner(info.annotation)) if str(choice) == value), value)
    return value


def _shown(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list | set | frozenset) else value


def initial(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a preset or of an earlier run, as the form shows them."""
    return {name: _shown(value) for name, value in values.items() if name in recipe.params.model_fields}


def initial_sweep(recipe: Recipe, swept: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Several values of a field as the form shows them: boxes of a choice, else one text."""
    infos, shown = recipe.params.model_fields, {}
    for name, values in swept.items():
        kind = get_origin(inner(infos[name].annotation)) if name in infos else None
        if name in infos and name not in recipe.params.references() and inner(infos[name].annotation) is not bool:
            mark = "; " if kind in LISTS else ", "
            shown[name] = list(map(str, values)) if kind is Literal else mark.join(str(_shown(value)) for value in values)
    return shown


def mismatches(recipe: Recipe, cleaned: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each data set that does not fit a chosen model: (field, sentence)."""
    kinds = recipe.params.references()
    chosen = {name: cleaned[name] for name in kinds if cleaned.get(name)}
    variants = [thing for name, thing in chosen.items() if kinds[name] == "model"]
    for name, dataset in chosen.items():
        if kinds[name] == "dataset":
            yield from ((name, sentence) for variant in variants if (sentence := variant.model.misfit(dataset)))
