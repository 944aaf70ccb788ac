"""The audit trail of the registry: who changed which device, link, profile, code or agent, from what to what, and when.

What devices say of themselves every half minute is no change that somebody made, and secrets stay out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from auditlog.diff import model_instance_diff
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.signals import pre_save
from django.dispatch import Signal

from apps.devices.models import Agent, Device, Enrolment, Link, Profile

UNTOLD = {
    Device: ("last_seen", "health", "busy", "alerted", "runtimes"),
    Link: ("at",),
    Profile: ("body", "written"),
    Enrolment: ("digest",),
    Agent: ("digest", "next_digest", "prefix", "next_prefix", "last_used"),
}
# Sent with `rows` that were made or changed together, of which Django itself says nothing, for whoever stands on them above
# this floor.
together = Signal()
_who: ContextVar[Any] = ContextVar("who changes the registry", default=None)


def follow() -> None:
    """Called once, when all apps are there."""
    for model, fields in UNTOLD.items():
        auditlog.register(model, exclude_fields=list(fields))
    pre_save.connect(_signed, sender=LogEntry, dispatch_uid="who changed the registry")


@contextmanager
def by(user: Any) -> Iterator[None]:
    """Whatever is changed in here was changed by this person."""
    token = _who.set(user)
    try:
        yield
    finally:
        _who.reset(token)


def _signed(instance: LogEntry, **_: Any) -> None:
    user = _who.get()
    if user is not None and instance.actor_id is None:
        instance.actor, instance.actor_email = user, user.email


def change_all(rows: Sequence[Any], fields: Sequence[str], before: Sequence[Any]) -> int:
    """Keep these fields of many rows, with a line of the trail for each that is another now: three statements."""
    pairs = [(old, new, model_instance_diff(old, new, fields_to_check=list(fields)))
             for old, new in zip(before, rows, strict=True)]
    changed = [(new, said) for _, new, said in pairs if said]
    if changed:
        type(changed[0][0])._default_manager.bulk_update([new for new, _ in changed], fields)
        write(changed, LogEntry.Action.UPDATE)
    return len(changed)


def write(said: Sequence[tuple[models.Model, Any]], action: int) -> None:
    """Lines of the trail for changes that were made to many rows at once."""
    user, kinds = _who.get(), {type(row) for row, _ in said}
    types = ContentType.objects.get_for_models(*kinds)
    LogEntry.objects.bulk_create(
        LogEntry(content_type=types[type(row)], object_pk=str(row.pk), object_id=row.pk if isinstance(row.pk, int) else None,
                 object_repr=str(row), action=action, changes=changes, actor=user, actor_email=getattr(user, "email", None))
        for row, changes in said)
    together.send(LogEntry, rows=[row for row, _ in said])


def made(rows: Sequence[models.Model]) -> None:
    """Rows that were made together."""
    write([(row, model_instance_diff(None, row)) for row in rows], LogEntry.Action.CREATE)
