"""Who refers to a thing of the catalogue: what something refers to is not deleted, and the refusal says how many.

Rows of other tables are found by their foreign keys. What refers in another way is counted by who knows it: a higher app
registers a counter when it is loaded, because nothing here may know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.db.models import Model

Counter = Callable[[list[UUID]], dict[str, int]]
_counters: list[Counter] = []


def register(counter: Counter) -> None:
    """`counter` gets ids of variants and data sets, and tells how many of what refer to them, by a word for people."""
    _counters.append(counter)


def uses(things: Iterable[Model], *, among: Iterable[type[Model]] = ()) -> dict[str, int]:
    """How many of what refer to these things, all of one kind; rows of the kinds `among` do not count."""
    found = list(things)
    counts: dict[str, int] = {}
    for relation in _relations(found[0]) if found else ():
        if relation.related_model not in among:
            number = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": found}).count()
            word = _word(relation.related_model)
            counts[word] = counts.get(word, 0) + number
    for counter in _counters:
        for word, number in counter([thing.pk for thing in found]).items():
            counts[word] = counts.get(word, 0) + number
    return {word: number for word, number in counts.items() if number}


def _word(kind: type[Model]) -> str:
    """What people call many of them where they refer to something: the class may say it in `REFERS_AS`."""
    return str(getattr(kind, "REFERS_AS", kind._meta.verbose_name_plural))


def _relations(thing: Model) -> list[Any]:
    every = thing._meta.get_fields(include_hidden=True)
    return [field for field in every if field.auto_created and not field.concrete and field.one_to_many]


def told(counts: dict[str, int]) -> str:
    """`3 runs and 1 portfolio refer to it`; what is counted stands in the first word."""
    most = sorted(counts.items(), key=lambda each: -each[1])
    words = [f"{number:,} {_one(word) if number == 1 else word}" for word, number in most]
    said = " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    return f"{said} {'refers' if list(counts.values()) == [1] else 'refer'} to it"


def _one(words: str) -> str:
    first, space, rest = words.partition(" ")
    return first.removesuffix("s") + space + rest
