"""Links, profiles, devices and accuracies change below: what rests on them is marked in one statement, and the desk is woken.

Django says itself what is kept one by one; of rows that are kept together the registry's trail tells. What neither of them says
is found by the desk all the same: every plan is looked at again after a while.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.signals import post_delete, post_save
from django.utils import timezone

from apps.devices import trail
from apps.devices.desk.merging import merged
from apps.devices.models import Device, Link, Profile
from apps.experiments.models import Measurement, RunVariant
from apps.plans.models import Kind, SavedPlan

log = logging.getLogger(__name__)
TASK = "worker.tasks.review_plans"
_messenger = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wake-plans")
_news = threading.local()


def listen() -> None:
    """Called once, when all apps are there."""
    for model in (Device, Link, Profile):
        for signal in (post_save, post_delete):
            signal.connect(_one, sender=model, dispatch_uid=f"plans hear of a {model.__name__} by {id(signal)}")
    trail.together.connect(_many, dispatch_uid="plans hear of many")
    merged.connect(_merged, dispatch_uid="plans hear of merged devices")
    post_save.connect(_measured, sender=Measurement, dispatch_uid="plans hear of accuracies")
    post_save.connect(_named, sender=RunVariant, dispatch_uid="plans hear of what accuracies are of")


def _one(instance: Any, raw: bool = False, **_: Any) -> None:
    if not raw:
        hear([instance])


def _many(rows: Iterable[Any], **_: Any) -> None:
    hear(rows)


def _merged(kept: Device, other: Device, **_: Any) -> None:
    hear([kept, other])


def _measured(instance: Measurement, raw: bool = False, **_: Any) -> None:
    if not raw and (instance.metric, instance.split) == ("accuracy", "test") and instance.value is not None:
        judged(instance.team_id)


def _named(instance: RunVariant, raw: bool = False, **_: Any) -> None:
    """A run may say how accurate a variant is before it says which it is."""
    if not raw and instance.run.measurements.filter(metric="accuracy", split="test", variant_name=instance.name).exists():
        judged(instance.run.team_id)


def hear(rows: Iterable[Any]) -> None:
    """Remember the devices that these rows are of; at the end of the transaction their plans are marked, all together."""
    found = {pk for row in rows for pk in _devices(row)}
    if found:
        _heard().update(found)
        transaction.on_commit(_mark, robust=True)


def _devices(row: Any) -> tuple[UUID, ...]:
    if isinstance(row, Device):
        return (row.pk,)
    if isinstance(row, Link):
        return (row.source_id, row.target_id)
    return (row.device_id,) if isinstance(row, Profile) else ()


def _heard() -> set[UUID]:
    if not hasattr(_news, "devices"):
        _news.devices = set()
    found: set[UUID] = _news.devices
    return found


def _mark() -> None:
    """The first call of a transaction does it for all of them."""
    found = set(_heard())
    _heard().clear()
    if found and SavedPlan.objects.filter(device_ids__overlap=list(found)).update(due=timezone.now()):
        wake()


def offered(team: UUID) -> None:
    """What transfer layers offer changed: the team's plans that may have one are marked."""
    transaction.on_commit(lambda: _mark_those(team, Q(wanted__max_drop__gte=0) | Q(kind=Kind.JOINT)), robust=True)


def judged(team: UUID) -> None:
    """How accurate something is was measured: the team's joint plans are marked."""
    transaction.on_commit(lambda: _mark_those(team, Q(kind=Kind.JOINT)), robust=True)


def _mark_those(team: UUID, which: Q) -> None:
    if SavedPlan.objects.filter(which, team=team).update(due=timezone.now()):
        wake()


def wake() -> None:
    """Tell the desk that plans are to be looked at; never raises and never waits. A lost message loses nothing."""
    _messenger.submit(_wake)


def _wake() -> None:
    try:
        current_app.send_task(TASK, queue="inspect", retry=False, expires=settings.LEASE_S)
    except Exception as error:
        log.warning("The broker did not take the wake-up for plans (%s); the reaper will try again", error)
