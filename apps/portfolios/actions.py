"""What a person does with a portfolio: every verb, for pages, API and command line alike.

Refused says what cannot be done, field by field. Of its kinds, Overtaken says that somebody else was faster (409), Forbidden that
it is not this person's to do (403).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.accounts.words import plain
from apps.catalog.models import Variant
from apps.live.models import Stream
from apps.portfolios.asking import asked, told
from apps.portfolios.desk import Forbidden, Overtaken, changed, changing, overtaken, prose, say
from apps.portfolios.lineage import originals
from apps.portfolios.models import Criterion, Entry, Portfolio
from apps.portfolios.reviewing import approve, request_changes, submit, withdraw
from apps.portfolios.talking import comment, delete_comment, edit_comment, resolve

__all__ = ["MOST_CRITERIA", "MOST_VARIANTS", "Forbidden", "Overtaken", "add_criterion", "add_variants", "approve",
           "change_criterion", "comment", "create", "delete_comment", "edit_comment", "note_variant", "remove_criterion",
           "remove_variant", "rename", "request_changes", "resolve", "submit", "withdraw"]

MOST_VARIANTS = 50
MOST_CRITERIA = 20
LONGEST_NAME = 120
LONGEST_DESCRIPTION = 2000
LONGEST_NOTE = 300


def create(user: User, team: Team, name: str, description: str = "", variants: Iterable[object] = ()) -> Portfolio:
    """A new draft of this person's, with the variants that were picked for it."""
    if not teams.may_edit(user, team):
        raise Forbidden({"": "Your role in this team does not allow to make portfolios."})
    named = _named(name, description)
    with transaction.atomic():
        made: Portfolio = Portfolio.objects.create(team=team, stream=Stream.objects.create(team=team), author=user,
                                                   changed_by=user, **named)
        wanted = list(variants)
        fresh = _filled(user, made, wanted) if wanted else []
        say(user, made, "changed", f"made it with {_listed(fresh)}" if fresh else "made it")
    return made


def rename(user: User, portfolio: Portfolio, name: str, description: str = "", seen: int | None = None) -> None:
    """Another name or description; `seen` is the version that the person had before the eyes."""
    named = _named(name, description)
    with changing(user, portfolio) as found:
        if seen is not None and found.named_in > seen:
            raise Overtaken({"name": f"It is called “{found.name}” now. {overtaken(found, seen)}"})
        if (found.name, found.description) == (named["name"], named["description"]):
            return
        was = found.name
        found.name, found.description, found.named_in = named["name"], named["description"], found.version + 1
        changed(user, found, f"renamed it from “{was}” to “{found.name}”" if was != found.name else "described it anew")


def add_variants(user: User, portfolio: Portfolio, variants: Iterable[object]) -> int:
    """Pick variants of the same team; how many were new. A benchmark's own copy stands for the variant it measured."""
    with changing(user, portfolio) as found:
        if fresh := _filled(user, found, variants):
            changed(user, found, f"added {_listed(fresh)}")
    return len(fresh)


def remove_variant(user: User, portfolio: Portfolio, variant: object) -> None:
    with changing(user, portfolio) as found:
        entry = _entry(found, variant)
        name = str(entry.variant)
        entry.delete()
        changed(user, found, f"removed the variant {name}")


def note_variant(user: User, portfolio: Portfolio, variant: object, note: str, was: str | None = None) -> None:
    """A line of one's own beside a variant; `was` is the line that the person had before the eyes."""
    errors: dict[str, str] = {}
    text = plain("note", note, LONGEST_NOTE, errors, needed=False)
    if errors:
        raise Refused(errors)
    with changing(user, portfolio) as found:
        entry = _entry(found, variant)
        if was is not None and entry.note not in (was, text):
            raise Overtaken({"note": f"The note says “{entry.note}” by now. Keep yours again if you still want it."})
        if entry.note != text:
            entry.note = text
            entry.save(update_fields=["note"])
            changed(user, found, f"noted something on {entry.variant}")


def add_criterion(user: User, portfolio: Portfolio, values: Mapping[str, object]) -> Criterion:
    """`values`: metric, comparison (at_most, at_least), bound (in `unit`, else as people type it), device, dataset."""
    with changing(user, portfolio) as found:
        if found.criteria.count() >= MOST_CRITERIA:
            raise Refused({"": f"A portfolio has at most {MOST_CRITERIA} criteria."})
        made = Criterion(portfolio=found, changed_in=found.version + 1, **asked(found, values))
        _kept(made)
        changed(user, found, f"asked for {told(made)}")
    return made


def change_criterion(user: User, portfolio: Portfolio, criterion: object, values: Mapping[str, object],
                     seen: int | None = None) -> Criterion:
    """Another bound, device or metric; `seen` is the version that the person had before the eyes."""
    with changing(user, portfolio) as found:
        held = _criterion(found, criterion)
        if seen is not None and held.changed_in > seen:
            raise Overtaken({"bound": f"It asks for {told(held)} now. {overtaken(found, seen)}"})
        was = told(held)
        for name, value in asked(found, values).items():
            setattr(held, name, value)
        if told(held) != was:
            held.changed_in = found.version + 1
            _kept(held)
            changed(user, found, f"asked for {told(held)} instead of {was}")
    return held


def remove_criterion(user: User, portfolio: Portfolio, criterion: object) -> None:
    with changing(user, portfolio) as found:
        held = _criterion(found, criterion)
        was = told(held)
        held.delete()
        changed(user, found, f"dropped {was}")


def _named(name: str, description: str) -> dict[str, str]:
    errors: dict[str, str] = {}
    named = {"name": plain("name", name, LONGEST_NAME, errors),
             "description": prose("description", description, errors, longest=LONGEST_DESCRIPTION, needed=False)}
    if errors:
        raise Refused(errors)
    return named


def _filled(user: User, found: Portfolio, variants: Iterable[object]) -> list[Variant]:
    """Those of the variants that were not in it and now are."""
    there = set(found.entries.values_list("variant_id", flat=True))
    fresh = [each for each in _picked(user, found, variants) if each.pk not in there]
    if len(there) + len(fresh) > MOST_VARIANTS:
        raise Refused({"variants": f"A portfolio has at most {MOST_VARIANTS} variants; this would make "
                                   f"{len(there) + len(fresh)}."})
    Entry.objects.bulk_create(Entry(portfolio=found, variant=each) for each in fresh)
    return fresh


def _picked(user: User, found: Portfolio, variants: Iterable[object]) -> list[Variant]:
    """The variants in the order they were picked; all of them or none."""
    wanted = list(dict.fromkeys(_uuid("variants", each) for each in variants))
    if not 0 < len(wanted) <= MOST_VARIANTS:
        raise Refused({"variants": f"Pick from 1 to {MOST_VARIANTS} variants; got {len(wanted)}."})
    rows = {row.pk: row for row in Variant.objects.visible_to(user).filter(team=found.team_id, pk__in=wanted)}
    if len(rows) < len(wanted):
        raise Refused({"variants": "One of these variants is not in this team (any more)."})
    return originals([rows[each] for each in wanted])


def _listed(fresh: list[Variant]) -> str:
    names = ", ".join(str(each) for each in fresh[:5])
    more = f" and {len(fresh) - 5} more" if len(fresh) > 5 else ""
    return f"the variant{'s' if len(fresh) > 1 else ''} {names}{more}"


def _entry(found: Portfolio, variant: object) -> Entry:
    entry = found.entries.select_related("variant").filter(variant=_uuid("variant", variant)).first()
    if entry is None:
        raise Refused({"variant": "This variant is not in the portfolio (any more)."})
    return entry


def _criterion(found: Portfolio, criterion: object) -> Criterion:
    number = str(criterion)
    held = found.criteria.filter(pk=int(number)).first() if number.isascii() and number.isdigit() and len(number) < 18 else None
    if held is None:
        raise Refused({"criterion": "This criterion is not in the portfolio (any more)."})
    return held


def _kept(criterion: Criterion) -> None:
    try:
        with transaction.atomic():
            criterion.save()
    except IntegrityError:
        raise Refused({"metric": "This is asked for already: change that criterion instead."}) from None


def _uuid(field: str, given: Any) -> UUID:
    try:
        return given if isinstance(given, UUID) else UUID(str(given))
    except ValueError:
        raise Refused({field: "This is not the id of a variant."}) from None
