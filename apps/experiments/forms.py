"""A form from a recipe's parameters: one declaration yields the fields, and judges what was typed into them."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args, get_origin

from annotated_types import MaxLen
from django import forms
from pydantic.fields import FieldInfo

from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.accounts.words import plain
from apps.experiments import cutting, placing, studies, sweeps
from apps.experiments.choice_of_one import ChoiceField, network_field, one_of
from apps.experiments.choices import WORDS, reference_field
from apps.experiments.paired import too_few
from apps.experiments.studies import Own, Part
from apps.experiments.sweeps import LISTS, MOST_REPEATS, MOST_RUNS, inner, several
from apps.experiments.tags import words_of
from apps.experiments.unused import unused_beside
from worker.evidence import Evidence
from worker.params import Params, ReferenceKind, extra
from worker.recipe import Recipe
from worker.wording import bounds, point_hint, range_words

LONGEST, LONGEST_LINES, LONGEST_NAME = 500, 2000, 200
LEAST_ROWS, MOST_ROWS = 3, 8
UNUSED = "Does not count here: {why}."
OWN = ("name", "repeat", "tags")  # what belongs to the experiment, not to the recipe's parameters


@dataclass(frozen=True)
class Shelf:
    """Fields that stand in the open, and some behind them that are folded under words of their own."""

    fields: list[forms.BoundField]
    title: str = ""
    folded: tuple[forms.BoundField, ...] = ()

    def with_folded(self, title: str, field: forms.BoundField) -> Shelf:
        return replace(self, title=title, folded=(*self.folded, field))

    @property
    def is_open(self) -> bool:
        """Nothing that was chosen, or is wrong, is hidden."""
        return any(field.errors or field.value() not in (None, "", field.field.initial) for field in self.folded)


class RecipeForm(forms.Form):
    """What every recipe's form can do; `form_for` makes the class with its fields."""

    recipe: Recipe
    known: Mapping[str, Any] = types.MappingProxyType({})
    is_sweepable = True
    # Beside a form: those of the recipes it can be compared with; of such a one its own fields, and whether it was chosen.
    others: Sequence[RecipeForm] = ()
    own_names: Sequence[str] = ()
    is_chosen = False
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
    def essential_parts(self) -> list[Shelf]:
        """The essentials, parted where some fields are folded behind one of them."""
        shelves, unused = [Shelf([])], self.unused
        for name in self._fields():
            words = str(extra(self.recipe.params, name).get("folded", ""))
            if words:
                shelves[-1] = shelves[-1].with_folded(words, self[name])
            elif self._is_essential(name):
                shelves += [Shelf([])] if shelves[-1].folded else []
                shelves[-1].fields.append(_doubted(self[name], unused.get(name, "")))
        return shelves

    @property
    def advanced(self) -> list[forms.BoundField]:
        unused = self.unused
        return [_doubted(self[name], unused.get(name, "")) for name in self._fields()
                if not self._is_essential(name) and not extra(self.recipe.params, name).get("folded")]

    @property
    def advanced_has_errors(self) -> bool:
        return any(field.errors for field in self.advanced)

    @property
    def own(self) -> list[forms.BoundField]:
        return [self[name] for name in OWN if name in self.fields]

    @property
    def own_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.own_names]

    @property
    def compared(self) -> list[RecipeForm]:
        """The forms of the recipes that were chosen to be compared with."""
        return [other for other in self.others if other.is_chosen]

    @property
    def unused(self) -> dict[str, str]:
        """Which fields do not count beside what stands in the others, and why."""
        return unused_beside(self.recipe.params, {name: self[name].value() for name in self._fields()})

    @property
    def left_empty(self) -> list[tuple[str, Any]]:
        """The fields that were emptied, each with the default that it will have."""
        unused = self.unused
        empty = [name for name in self._fields() if name in self.data and self[name].value() in (None, "", [])
                 and name not in unused]
        defaults = {name: self.fields[name].initial for name in empty}
        return [(str(self[name].label), value) for name, value in defaults.items() if value not in (None, "")]

    @property
    def too_few_seeds(self) -> str:
        """That so few seeds cannot show a difference between what is compared; nothing where they can, or nothing is compared."""
        swept = self.several()
        fields = [field for field in swept if field != "seed"]
        tests = len(self.compared) or (len(swept[fields[0]]) - 1 if fields else 0)
        seeds = self.repeats() * len(swept.get("seed", [""]))
        return too_few(seeds, tests) if tests and (self.compared or seeds > 1) else ""

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
        if self.is_chosen:  # It is judged with what it shares.
            return cleaned
        misfits = list(mismatches(self.recipe, cleaned))
        self._judge(cleaned)
        for field, message in misfits:
            self.add_error(field, message)
        for other in self.compared:
            self._judge_other(other, cleaned)
        parts, repeats = self.parts(), self.repeats()
        if not self.errors and studies.count(parts, repeats) > MOST_RUNS:
            self.add_error(None, f"These would be {studies.words(parts, repeats)}; an experiment has at most {MOST_RUNS}.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """What was typed, as the recipe takes it: references as uuid strings, empty fields left to their defaults."""
        return self._typed(self.cleaned_data)

    def emptied(self) -> dict[str, str]:
        """Texts that may be empty and are: where something stood there before, that nothing stands there is what was asked."""
        infos = self.recipe.params.model_fields
        return {name: "" for name in self._fields() if self.cleaned_data.get(name) == "" and infos[name].default == ""}

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

    def parts(self) -> list[Part]:
        """This recipe and those it is compared with, with what each of them sweeps."""
        beside = {other.recipe.name: Own(dict.fromkeys(other.told()), other.several()) for other in self.compared}
        return studies.parts(self.recipe, {}, self.several(), beside)

    def compare_with(self) -> dict[str, Own]:
        """The chosen recipes with the values of their own fields, as the action takes them."""
        return {other.recipe.name: Own(other.values(), other.sweep()) for other in self.compared}

    def told(self) -> dict[str, Any]:
        """What stands in each field, where anything does."""
        return {name: value for name in self._fields() if (value := self[name].value()) not in (None, "", [])}

    def repeats(self) -> int:
        """How many seeds; 1 while something else stands there."""
        typed = str(self["repeat"].value() or "1").strip() if "repeat" in self.fields else "1"
        return int(typed) if typed.isascii() and typed.isdigit() and 1 <= int(typed[:9]) <= MOST_REPEATS else 1

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Put an action's refusal where the person looks: at the field, else above the form."""
        for field, message in errors.items():
            self.add_error(field if field in self.fields else None, message)

    def _judge_other(self, other: RecipeForm, cleaned: Mapping[str, Any]) -> None:
        """What a compared recipe says against these values: at the shared field, or at its own and above the form."""
        if other.is_valid():
            # A thing that is not chosen yet is complained of once, at its field here.
            values = {**dict.fromkeys(self.recipe.params.references(), "unknown"), **self._typed(cleaned)}
            beside = {other.recipe.name: Own(other.values(), other.sweep())}
            first, part = studies.parts(self.recipe, values, self.sweep(), beside)
            try:
                studies.judged_beside(first, part, 1)
            except Refused as refused:
                self._refuse_other(other, refused.errors)
        for field, messages in other.errors.items():
            where = f", {other.fields[field].label}" if field in other.fields else ""
            for message in messages:
                self.add_error(None, f"{other.recipe.title}{where}: {message}")

    def _refuse_other(self, other: RecipeForm, errors: Mapping[str, str]) -> None:
        """Put it at the shared field, unless something stands there already, or at its own."""
        for field, message in errors.items():
            name = field.rpartition(".")[2]
            if field not in self.fields:
                other.add_error(name if name in other.fields else None, message.removeprefix(f"{other.recipe.title}: "))
            elif field not in self.errors:
                self.add_error(field, message)

    def _judge(self, cleaned: dict[str, Any]) -> None:
        try:
            every = sweeps.judged(self.recipe, {**self.known, **self._typed(cleaned)}, self.sweep(), cleaned.get("repeat") or 1)
            self._judge_network(every, cleaned.get(cutting.MODEL))
        except Refused as refused:
            for field, message in refused.errors.items():
                # Said already, and in the field's own words.
                if field not in self.errors and (field or not self.errors):
                    hint = self._points().get(field, "")
                    more = f"; {hint}" if hint and hint not in message else ""
                    self.add_error(field if field in self.fields else None, message + more)

    def _judge_network(self, every: Sequence[Params], variant: object) -> None:
        """By what stands in the form; what the team's links add is judged when it is launched."""
        if said := cutting.wrong(self.recipe, every, variant, Evidence()):
            raise Refused(said)

    def _points(self) -> dict[str, str]:
        """Of fields that take decimals and hold one with a comma, `0,9`, which parts values here: how it is written."""
        infos = self.recipe.params.model_fields
        found = {name: point_hint(self[name].value()) for name in self._fields() if inner(infos[name].annotation) is float}
        return {name: hint for name, hint in found.items() if hint}

    @property
    def parted_by_commas(self) -> list[tuple[str, str, str]]:
        """Fields in which a comma makes two values, where perhaps one decimal was meant: label, what stands there, the hint."""
        return [(str(self[name].label), str(self[name].value()), hint) for name, hint in self._points().items()]

    def _typed(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        infos, many = self.recipe.params.model_fields, self.several()
        typed = {name: _plain(infos[name], many[name][0] if name in many else one_of(cleaned.get(name)))
                 for name in self._fields()}
        return {name: value for name, value in typed.items() if value not in (None, "")}

    def _fields(self) -> list[str]:
        return [name for name in self.recipe.params.model_fields if name in self.fields]

    def _is_essential(self, name: str) -> bool:
        params = self.recipe.params
        # A model that may be left out is one of several.
        return bool(extra(params, name).get("essential")) or params.references().get(name) in ("dataset", "device") \
            or params.model_fields[name].is_required()


def form_for(recipe: Recipe, user: User, team: Team | None, only: list[str] | None = None, *,
             is_sweepable: bool = False) -> type[RecipeForm]:
    """The form class of a recipe for one person and team; `only` some of its fields when asked so, then of one value each."""
    names = [name for name in recipe.params.model_fields if only is None or name in only]
    made: dict[str, Any] = {name: field_for(recipe.params, name, user, team) for name in names}
    for name, kind in recipe.params.references().items():
        if kind == "device" and name in made:
            made[name].only = placing.able(recipe)
    less = {"is_sweepable": is_sweepable, **dict.fromkeys(OWN)} if only is not None else {}
    return type("LaunchForm", (RecipeForm,), {"recipe": recipe, **made, **less})


def field_for(params: type[Params], name: str, user: User, team: Team | None) -> forms.Field:
    info = params.model_fields[name]
    kind = params.references().get(name)
    common: dict[str, Any] = {"label": label_of(name, info),
                              "help_text": info.description or "", "required": info.is_required()}
    field = reference_field(params, name, user, team, common) if kind else (
        network_field(user, team, common) if name in params.networks() else _plain_field(info, common, extra(params, name)))
    if not kind and not info.is_required():
        field.initial = _begun(params, name, info.get_default(call_default_factory=True))
    field.unit, field.range_words = extra(params, name).get("unit", ""), range_words(info)  # type: ignore[attr-defined]
    field.cuts = bool(extra(params, name).get("cuts"))  # type: ignore[attr-defined]
    if field.cuts and not extra(params, name).get("lines"):  # type: ignore[attr-defined]
        field.widget.attrs["list"] = f"{name}-places"
    return field


def _doubted(field: forms.BoundField, why: str) -> forms.BoundField:
    """With the reason why it does not count, where there is one, before its help."""
    field.help_text = " ".join(filter(None, (UNUSED.format(why=why) if why else "", str(field.field.help_text))))
    return field


def label_of(name: str, info: FieldInfo) -> str:
    words = info.title or WORDS.get(cast(ReferenceKind, name)) or name.replace("_", " ")
    return words[:1].upper() + words[1:]


class RenameForm(forms.Form):
    """Another name for an experiment."""

    name = forms.CharField(max_length=200, label="Name", error_messages={
        "required": "is needed", "max_length": "is too long: at most %(limit_value)d characters; got %(show_value)d"})


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
        text = forms.Textarea({**attrs, "rows": _rows(info), "spellcheck": "false"})
        return forms.CharField(max_length=longest, widget=text, **said)
    return forms.CharField(max_length=LONGEST, widget=forms.TextInput(attrs=attrs), **said)


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


def _plain(info: FieldInfo, value: Any) -> Any:
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


def _begun(params: type[Params], name: str, value: Any) -> Any:
    """A value as its field shows it. Text of several lines is kept with `;` between them: here it is one under the other."""
    shown = _shown(value)
    return "\n".join(shown.split("; ")) if isinstance(shown, str) and extra(params, name).get("lines") else shown


def initial(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a preset or of an earlier run, as the form shows them."""
    return {name: _begun(recipe.params, name, value) for name, value in values.items() if name in recipe.params.model_fields}


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


def mismatches(recipe: Recipe, cleaned: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each data set that does not fit a chosen model: (field, sentence)."""
    kinds = recipe.params.references()
    chosen = {name: cleaned[name] for name in kinds if cleaned.get(name)}
    variants = [thing for name, thing in chosen.items() if kinds[name] == "model"]
    for name, dataset in chosen.items():
        if kinds[name] == "dataset":
            yield from ((name, sentence) for variant in variants if (sentence := variant.model.misfit(dataset)))
