"""What a person does with models, variants and data sets: call them something else, describe them, delete them."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model

from apps.accounts.models import User
from apps.accounts.refusal import Conflict, Refused
from apps.accounts.sight import KEPT, is_overtaken
from apps.catalog.models import Dataset, DerivedFile, RegisteredModel, Upload, Variant
from apps.catalog.uses import told, uses
from apps.catalog.wishes import plain

LONGEST_NAME, LONGEST_DESCRIPTION = 120, 2000
MOST_VARIANTS = 1000
Thing = TypeVar("Thing", bound=RegisteredModel | Dataset | Variant)


def rename(user: User, thing: RegisteredModel | Dataset, name: str, description: str, seen: str | None = None) -> None:
    """Another name, unique in the team, and another description; `seen` is the mark of those that the person saw."""
    name, description = _line(name, "name", LONGEST_NAME), _line(description, "description", LONGEST_DESCRIPTION, empty=True)
    try:
        with transaction.atomic():
            held = _held(user, thing)
            if is_overtaken(seen, held.name, held.description):
                raise Conflict({"name": f"Somebody changed it meanwhile: it is called “{held.name}” now, "
                                        f"{f'described as “{held.description}”' if held.description else 'without description'}."
                                        f" {KEPT}"})
            held.name, held.description = name, description
            held.save(update_fields=["name", "description"])
    except IntegrityError:
        raise Refused({"name": f"{name} is taken in this team; choose another name."}) from None


def rename_variant(user: User, variant: Variant, name: str, seen: str | None = None) -> None:
    """Another name; `seen` is the mark of the one that the person saw."""
    line = _line(name, "name", LONGEST_NAME)
    with transaction.atomic():
        held = _held(user, variant)
        if is_overtaken(seen, held.name):
            raise Conflict({"name": f"Somebody renamed it to “{held.name}” meanwhile. {KEPT}"})
        held.name = line
        held.save(update_fields=["name"])


def delete_variant(user: User, variant: Variant) -> None:
    """Gone for good, where nothing refers to it: no run was given it or made it, no variant descends from it."""
    with transaction.atomic():
        held = _held(user, variant)
        _unused(held, [held])
        held.delete()


def delete_model(user: User, model: RegisteredModel) -> None:
    """The model with its variants, where nothing refers to any of them."""
    with transaction.atomic():
        held = _held(user, model)
        variants = list(held.variants.all()[:MOST_VARIANTS + 1])
        if len(variants) > MOST_VARIANTS:
            raise Conflict({"": f"{held} has more than {MOST_VARIANTS:,} variants; delete most of them first."})
        _unused(held, variants, among=(Variant,))
        _unused(held, [held], among=(Variant,))
        held.delete()


def delete_dataset(user: User, dataset: Dataset) -> None:
    with transaction.atomic():
        held = _held(user, dataset)
        _unused(held, [held])
        held.delete()


def _unused(thing: Model, referred: list[Any], among: tuple[type[Model], ...] = ()) -> None:
    counts = uses(referred, among=(Upload, DerivedFile, *among))
    if counts:
        raise Conflict({"": f"{thing} is in use: {told(counts)}."})


def _held(user: User, thing: Thing) -> Thing:
    held: Thing | None = type(thing).objects.editable_by(user).select_for_update(of=("self",)).filter(pk=thing.pk).first()
    if held is None:
        raise Refused({"": "Your role in this team does not allow this."})
    return held


def _line(text: str, field: str, longest: int, *, empty: bool = False) -> str:
    if "\x00" in text:
        raise Refused({field: "holds characters that no text has"})
    cleaned = plain(text)
    if len(cleaned) > longest:
        raise Refused({field: f"may have {longest:,} characters; got {len(cleaned):,}"})
    if not cleaned and not empty:
        raise Refused({field: "is needed"})
    return cleaned
