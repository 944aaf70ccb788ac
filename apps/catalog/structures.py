"""What a variant is made of: kept as a file beside it, made by the desk when somebody first looks, read once and remembered.

An uploaded network brings its structure along; other variants are described when they are looked at. The row is the job
(`Description`), as with uploads: a worker that dies loses nothing, a lost message neither.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import ValidationError

from apps.catalog import blobs, shelf
from apps.catalog.deskwork import MOST_ATTEMPTS, Fenced, Jobs
from apps.catalog.models import Blob, Description, Precision, Variant
from worker.structure import Structure

__all__ = ["GIVEN_UP", "MOST_ATTEMPTS", "Fenced", "Look", "claim", "give_up", "kept", "look", "release", "renew", "settle",
           "waiting", "wake", "yield_turn"]
log = logging.getLogger(__name__)
PATIENCE_S = 10.0
AGAIN_AFTER = timedelta(days=1)
GIVEN_UP = "Describing it failed three times without an answer; the worker's log tells why. It is tried again in a day."
REDUCED = "A file of {precision} numbers has no structure of its own; its layers are those of the fp32 network it was made from."
DELETED = "This variant was deleted a moment ago."
jobs = Jobs(Description, "worker.tasks.describe", GIVEN_UP)
# One that cannot be described keeps the reason, and is tried again when somebody looks after a day.
waiting, claim, renew, release, yield_turn, give_up = (
    jobs.waiting, jobs.claim, jobs.renew, jobs.release, jobs.yield_turn, jobs.give_up)


class Look(NamedTuple):
    """Exactly one of them: the structure, or why there is none, or neither while the desk is at it.

    `instead`: the variant whose structure is the same, for one that has none of its own.
    """

    structure: Structure | None = None
    why: str = ""
    instead: Variant | None = None

    @property
    def is_waiting(self) -> bool:
        return self.structure is None and not self.why


def look(variant: Variant) -> Look:
    """What it is made of, for a page or a route that has fetched the variant by right; asks the desk when nobody knows yet."""
    if variant.precision != Precision.FP32:
        parent = variant.parent if variant.parent and variant.parent.precision == Precision.FP32 else None
        return Look(why=REDUCED.format(precision=variant.precision), instead=parent)
    found = kept(variant)
    return Look(found) if found else Look(why=_asked(variant))


def kept(variant: Variant) -> Structure | None:
    """The structure that lies beside the variant; None when there is none, or one that an older version wrote."""
    try:
        return shelf.structure(variant.structure_id) if variant.structure_id else None
    except blobs.Missing:
        log.error("The structure of variant %s is gone from the store; it is made again", variant.pk)
    except (blobs.Damaged, ValidationError):
        log.exception("The structure of variant %s cannot be read; it is made again", variant.pk)
    return None


def _asked(variant: Variant) -> str:
    """Have it described, unless that goes on already; why it cannot be, when that was found lately."""
    now = timezone.now()
    try:
        job, is_new = Description.objects.get_or_create(variant=variant, defaults={"asked": now})
    except IntegrityError:
        return DELETED
    if is_new and not Variant.objects.filter(pk=variant.pk, structure_id=variant.structure_id).exists():
        job.delete()  # It was settled between our look at the variant and this; the next look finds it.
        return ""
    if job.why and job.asked < now - AGAIN_AFTER:
        stale = Description.objects.filter(pk=job.pk, asked=job.asked).exclude(why="")
        is_new = bool(stale.update(asked=now, why="", attempts=0, lease_until=None))
        job.why = ""
    is_forgotten = not job.why and job.lease_until is None and job.asked < now - timedelta(seconds=PATIENCE_S)
    if is_new or is_forgotten:  # Its message may be lost; one more does no harm.
        transaction.on_commit(wake)
    return job.why


def wake() -> None:
    jobs.wake()


@transaction.atomic
def settle(job: Description, structure: Blob) -> None:
    """It is described: the file beside the variant, and the job is done."""
    if not jobs.mine(job).delete()[0]:
        raise Fenced(str(job))
    Variant.objects.filter(pk=job.pk).update(structure=structure)
