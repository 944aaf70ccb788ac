"""Choosing a model, a data set or a device: a short list of the likeliest, a search for the rest, the chosen one always there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.forms.models import ModelChoiceIterator

from apps.accounts.models import Team, User
from apps.catalog.lineage import COPIES
from apps.catalog.models import IMAGES, RECORDINGS, Dataset, RegisteredModel, Variant
from apps.devices.models import Device
from apps.experiments.launching import precisions
from apps.experiments.models import Experiment, Run
from worker.params import Params, ReferenceKind, extra

MOST, LONGEST_SEARCH = 200, 100
TIMES = "\u00d7"
WORDS: dict[ReferenceKind, str] = {"model": "model", "dataset": "data set", "device": "device", "recordings": "recordings"}
# What stands in a field that may be left empty, and what that means.
NONE: dict[ReferenceKind, str] = {"device": "this computer", "recordings": "none"}


def takes(thing: Any) -> str:
    """`1×8×8, 10 classes`: the samples and classes of a model or a data set."""
    thing = thing.model if isinstance(thing, Variant) else thing
    if not isinstance(thing, RegisteredModel | Dataset) or (isinstance(thing, Dataset) and thing.recorded):
        return ""
    return f"{TIMES.join(map(str, thing.in_shape))}, {thing.classes} classes"


class Offer(ModelChoiceIterator):  # type: ignore[type-arg]
    """What the list shows: nothing chosen, then the few things offered."""

    field: ThingField

    def __iter__(self) -> Iterator[Any]:
        yield ("", self.field.empty_label)
        for thing in self.field.offered():
            yield self.choice(thing)


class ThingChoice(forms.Select):
    """A choice that tells the page's script what each thing takes, and keeps the chosen one among the few it offers."""

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **more: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, label, *args, **more)
        if said := takes(getattr(value, "instance", None)):
            option["attrs"]["data-takes"] = said
        return option

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> list[Any]:
        groups = super().optgroups(name, value, attrs)
        offered = {str(option["value"]) for _, options, _ in groups for option in options}
        choices: Any = self.choices
        for wanted in value:
            thing = choices.field.found(wanted) if wanted and wanted not in offered else None
            if thing is not None:
                option = self.create_option(name, *choices.choice(thing), True, len(groups))
                groups.insert(1, (None, [option], len(groups)))
        return groups


class ThingField(forms.ModelChoiceField[Any]):
    """A choice among the team's things; text that is no id at all is refused like an id that is not there."""

    widget = ThingChoice
    iterator = Offer
    search = ""
    # Which of the rows are offered; the others are kept where they were chosen already, and are judged when it is launched.
    only = Q()

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except forms.ValidationError:
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice") from None

    def found(self, value: Any) -> Any:
        """The thing of that id; None for anything else."""
        try:
            return self.to_python(value)
        except forms.ValidationError:
            return None

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.model.name} · {obj.name}" if isinstance(obj, Variant) else str(obj)

    @property
    def is_long(self) -> bool:
        """Whether there is more than the list can show."""
        return self._rows.order_by()[MOST:MOST + 1].exists()

    def offered(self) -> list[Any]:
        rows = self._rows
        if rows.model is Variant:
            return _variants(rows, self.search)
        return list(_like(rows, self.search, "name")[:MOST])

    @property
    def _rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.queryset  # type: ignore[assignment]
        return rows.filter(self.only)


def _variants(rows: QuerySet[Any], search: str) -> list[Any]:
    """Originals and what was made last, by model; no mere copies, of archived experiments none. A search looks through all."""
    # Only compared with what `rows` holds, which are the visitor's own.
    archived = Run.objects.filter(experiment__in=Experiment.objects.filter(archived__isnull=False)).values("pk")
    rows = _like(rows.exclude(made_by__in=archived), search, "name", "model__name").order_by("-created")
    if search:
        found = list(rows[:MOST])
    else:
        rows = rows.exclude(COPIES)
        originals = list(rows.filter(parent=None)[:MOST // 2])
        found = originals + list(rows.exclude(parent=None)[:MOST - len(originals)])
    return sorted(found, key=lambda variant: (variant.model.name, variant.created))


def _like(rows: QuerySet[Any], search: str, *fields: str) -> QuerySet[Any]:
    """Rows in which every word of the search stands somewhere."""
    for word in search.replace("\x00", "")[:LONGEST_SEARCH].split():
        anywhere = Q()
        for field in fields:
            anywhere |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(anywhere)
    return rows


def reference_field(params: type[Params], name: str, user: User, team: Team | None, common: Mapping[str, Any]) -> ThingField:
    """A choice among what the team has and the recipe can take; anything else, foreign or made up, is not a choice."""
    kind = params.references()[name]
    why = extra(params, name).get("needed")
    said = {"invalid_choice": "is no longer there; choose another",
            "required": f"choose a {WORDS[kind]}{f': {why}' if why else ''}"}
    field = ThingField(_rows(params, name, kind, user, team), error_messages=said, empty_label=_none(kind, **common), **common)
    if kind == "model":  # Two names stand in it; what tells variants from each other is at its end.
        field.widget.attrs["data-wide"] = True
    return field


def _none(kind: ReferenceKind, *, required: bool, **_: Any) -> str:
    """What it means that nothing is chosen."""
    if required:
        return f"choose a {WORDS[kind]}"
    return NONE.get(kind, "none")


def _rows(params: type[Params], name: str, kind: ReferenceKind, user: User, team: Team | None) -> QuerySet[Any]:
    if kind == "model":
        variants = Variant.objects.visible_to(user).filter(team=team).select_related("model")
        allowed = precisions(params, name)
        return variants.filter(precision__in=allowed) if allowed else variants
    if kind == "dataset":
        return Dataset.objects.visible_to(user).filter(IMAGES, team=team)
    if kind == "recordings":
        return Dataset.objects.visible_to(user).filter(RECORDINGS, team=team)
    return Device.objects.visible_to(user).usable_by(team).filter(retired=False)
