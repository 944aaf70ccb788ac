"""What training a variant takes of memory: rehearsed by the desk once, kept, and asked for every budget.

The rehearsal takes seconds and needs torch; it does not depend on the budget. What a budget has room for is then arithmetic,
which the process that answers questions does. The row is the job, as with structures: a worker that dies loses nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.catalog.deskwork import Fenced, Jobs
from apps.catalog.models import Precision, Rehearsal, Variant
from apps.live import asking
from worker import budgets
from worker.budgets import Fitted

TASK = "worker.tasks.rehearse"
PATIENCE_S = 10.0
AGAIN_AFTER = timedelta(days=1)
GIVEN_UP = "Rehearsing its training failed three times without an answer; the worker's log tells why. It is tried again in a day."
REDUCED = "A file of {precision} numbers is not trained; ask about the fp32 network that it was made from."
# Looking asks for one, and many may look: one team's models do not hold up everybody's.
MOST_WAITING = 20
TOO_MANY = "The training of {most} models of the team is being rehearsed already: ask about this one when some of them are done."
DELETED = "This variant was deleted a moment ago."
jobs = Jobs(Rehearsal, TASK, GIVEN_UP)


class Look(NamedTuple):
    """What each way of training needs, as JSON for who answers, or why nobody can say; neither while the desk is at it."""

    needs: dict[str, Any] | None = None
    why: str = ""

    @property
    def is_waiting(self) -> bool:
        return self.needs is None and not self.why


def known(variant: Variant) -> dict[str, Any] | None:
    """What each way of training needs, where it was rehearsed already; asks for nothing."""
    rows = Rehearsal.objects.filter(_alike(variant), made__isnull=False, version=budgets.VERSION)
    found: Rehearsal | None = rows.first() if variant.precision == Precision.FP32 else None
    return found.needs if found else None


def look(variant: Variant) -> Look:
    """What is known of a variant that was fetched by right; asks the desk when nothing is."""
    if variant.precision != Precision.FP32:
        return Look(why=REDUCED.format(precision=variant.precision))
    known = list(Rehearsal.objects.filter(_alike(variant)))
    made = next((row for row in known if row.made and row.version == budgets.VERSION), None)
    if made:
        return Look(made.needs)
    return Look(why=_asked(variant, next((row for row in known if row.pk == variant.pk), None)))


def fitted(needs: dict[str, Any], budget_bytes: int) -> Fitted:
    """The answer for one budget. Raises `apps.live.asking.Silent` when nobody gives one in time."""
    return Fitted.model_validate(asking.ask("fit", {"needs": needs, "budget_bytes": budget_bytes}))


def _alike(variant: Variant) -> Q:
    """Its own, and those of the team's other variants with the same file, as the copies that runs keep."""
    return Q(variant=variant.pk) | Q(variant__team=variant.team_id, variant__file=variant.file_id)


def _asked(variant: Variant, job: Rehearsal | None) -> str:
    """Have it rehearsed, unless that goes on already; why it cannot be, when that was found lately."""
    now, is_new = timezone.now(), False
    is_old = job is not None and bool(job.made or (job.why and job.asked < now - AGAIN_AFTER))
    if (job is None or is_old) and _is_crowded(variant):
        return TOO_MANY.format(most=MOST_WAITING)
    try:
        if job is None:
            job, is_new = Rehearsal.objects.get_or_create(variant=variant, defaults={"asked": now})
    except IntegrityError:
        return DELETED
    if is_old:
        is_new, job.why = _begun_again(job), ""
    is_forgotten = not job.why and job.lease_until is None and job.asked < now - timedelta(seconds=PATIENCE_S)
    if is_new or is_forgotten:  # Its message may be lost; one more does no harm.
        transaction.on_commit(wake)
    return job.why


def _is_crowded(variant: Variant) -> bool:
    waiting: int = Rehearsal.objects.filter(Rehearsal.UNFINISHED, variant__team=variant.team_id).count()
    return waiting >= MOST_WAITING


def _begun_again(job: Rehearsal) -> bool:
    """What an older version foretold, or could not; False where somebody else was quicker."""
    stale = Rehearsal.objects.filter(pk=job.pk, asked=job.asked).exclude(Rehearsal.UNFINISHED)
    fresh = {"asked": timezone.now(), "why": "", "made": None, "needs": {}, "attempts": 0, "lease_until": None}
    return bool(stale.exclude(made__isnull=False, version=budgets.VERSION).update(**fresh))


def wake() -> None:
    jobs.wake()


def settle(job: Rehearsal, needs: dict[str, Any]) -> None:
    """It is rehearsed: what was found, by the version that found it."""
    if not jobs.mine(job).update(needs=needs, version=needs["version"], made=timezone.now(), lease_until=None):
        raise Fenced(str(job))
