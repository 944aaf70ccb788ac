"""A form from a recipe's parameters: one declaration yields the fields, and judges what was typed into them."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms

from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.accounts.words import plain
from apps.experiments import cutting, placing, studies, sweeps
from apps.experiments.choice_of_one import one_of
from apps.experiments.fields import LONGEST, field_for, plain_value, values_in
from apps.experiments.paired import too_few
from apps.experiments.studies import Own, Part
from apps.experiments.sweeps import MOST_REPEATS, MOST_RUNS, inner
from apps.experiments.tags import words_of
from apps.experiments.unused import unused_beside
from worker.evidence import Evidence
from worker.params import Params, extra
from worker.recipe import Recipe
from worker.wording import point_hint

LONGEST_NAME = 200
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
        return {name: [plain_value(infos[name], value) for value in many] for name, many in self.several().items()}

    def several(self) -> dict[str, list[str]]:
        """The fields in which several values stand, as they stand there, of a form that was sent or not."""
        if not self.is_sweepable:
            return {}
        infos, kinds = self.recipe.params.model_fields, self.recipe.params.references()
        many = {name: values_in(infos[name], self[name].value()) for name in self._fields() if name not in kinds}
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

    def add_error(self, field: str | None, error: Any) -> None:
        """With the file in front of what is wrong, where the page read the field's lines from one."""
        read_from = getattr(self.fields[field].widget, "read_from", "") if field in self.fields else ""
        super().add_error(field, f"{read_from}: {error}" if read_from and isinstance(error, str) else error)

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
        typed = {name: plain_value(infos[name], many[name][0] if name in many else one_of(cleaned.get(name)))
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


def _doubted(field: forms.BoundField, why: str) -> forms.BoundField:
    """With the reason why it does not count, where there is one, before its help."""
    field.help_text = " ".join(filter(None, (UNUSED.format(why=why) if why else "", str(field.field.help_text))))
    return field


class RenameForm(forms.Form):
    """Another name for an experiment."""

    name = forms.CharField(max_length=200, label="Name", error_messages={
        "required": "is needed", "max_length": "is too long: at most %(limit_value)d characters; got %(show_value)d"})


def mismatches(recipe: Recipe, cleaned: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each data set that does not fit a chosen model: (field, sentence)."""
    kinds = recipe.params.references()
    chosen = {name: cleaned[name] for name in kinds if cleaned.get(name)}
    variants = [thing for name, thing in chosen.items() if kinds[name] == "model"]
    for name, dataset in chosen.items():
        if kinds[name] == "dataset":
            yield from ((name, sentence) for variant in variants if (sentence := variant.model.misfit(dataset)))
