"""The life of an upload that is being checked: the row is the job, claimed and fenced by the database's clock.

The same pattern as runs have (`apps.experiments.leases`), smaller: an inspection is short and starts again from nothing.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from apps.catalog import parts
from apps.catalog.models import Upload, UploadState
from apps.live.knock import knock
from apps.live.models import Saying, Stream

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 3
GIVEN_UP = "Checking it failed three times without an answer; the worker's log tells why. The file can be checked again."
_messenger = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wake-desk")


class Fenced(Exception):
    """Somebody else checks this upload now, or it was abandoned. Stop; write nothing more."""


def say(upload: Upload, **more: Any) -> None:
    """Tell the team's stream where the upload stands. Call it inside a transaction."""
    body = {"upload": str(upload.pk), "kind": upload.kind, "state": upload.state, **more}
    _append(upload, Saying("upload", body))


def _append(upload: Upload, saying: Saying) -> None:
    stream = Stream.of_team(upload.team)
    stream.append([saying])
    transaction.on_commit(lambda: knock(stream.pk))


def queue(upload: Upload) -> None:
    """Have a locked upload checked; everything an earlier check said is forgotten."""
    upload.state, upload.attempts, upload.lease_until = UploadState.CHECKING, 0, None
    upload.steps, upload.why, upload.mend, upload.findings = [], "", "", {}
    upload.token += 1
    upload.save()
    say(upload)
    transaction.on_commit(wake)


def wake() -> None:
    """Tell the desk that an upload waits; never raises and never waits. A lost message loses nothing: see `waiting`."""
    _messenger.submit(_wake)


def _wake() -> None:
    try:
        current_app.send_task("worker.tasks.inspect", queue="inspect", retry=False, expires=settings.LEASE_S)
    except Exception as error:
        log.warning("The broker did not take the wake-up of the desk (%s); the reaper will try again", error)


def _free() -> Q:
    return Q(state=UploadState.CHECKING) & (Q(lease_until=None) | Q(lease_until__lt=Now()))


def _lease() -> Any:
    return Now() + Value(timedelta(seconds=settings.LEASE_S))


def waiting() -> bool:
    """Whether an upload waits to be checked and nobody holds it."""
    return Upload.objects.filter(_free()).exists()


@transaction.atomic
def claim() -> Upload | None:
    """Take the upload that waits longest; one whose checkers died too often is refused on the way."""
    while True:
        found: Upload | None = Upload.objects.filter(_free()).select_for_update(
            skip_locked=True, of=("self",)).order_by("created").first()
        if found is None:
            return None
        if found.attempts < MOST_ATTEMPTS:
            Upload.objects.filter(pk=found.pk).update(
                lease_until=_lease(), token=F("token") + 1, attempts=F("attempts") + 1, steps=[])
            found.refresh_from_db()
            return found
        refuse(found, GIVEN_UP, keep=True)


def _mine(upload: Upload) -> Any:
    return Upload.objects.filter(pk=upload.pk, token=upload.token, state=UploadState.CHECKING)


def renew(upload: Upload) -> None:
    if not _mine(upload).update(lease_until=_lease()):
        raise Fenced(str(upload))


@transaction.atomic
def step(upload: Upload, name: str, detail: str = "") -> None:
    """The inspection does something new: kept for a reload, said to who looks on."""
    upload.steps = [*upload.steps, {"name": name, "detail": detail, "at": timezone.now().isoformat()}]
    if not _mine(upload).update(steps=upload.steps, lease_until=_lease()):
        raise Fenced(str(upload))
    body = {"upload": str(upload.pk), "kind": upload.kind, "step": name, "detail": detail}
    _append(upload, Saying("checking", body, f"checking:{upload.pk.hex}:{upload.token}:{len(upload.steps)}"))


def release(upload: Upload) -> None:
    """This worker stops; the attempt does not count."""
    _mine(upload).update(lease_until=None, attempts=F("attempts") - 1)


def yield_turn(upload: Upload) -> None:
    """This attempt died; the next one may begin at once."""
    _mine(upload).update(lease_until=None)


@transaction.atomic
def refuse(upload: Upload, why: str, *, mend: str = "", findings: dict[str, Any] | None = None, keep: bool = False) -> None:
    """It cannot be taken. The bytes stay for a while when something could mend it; else they go at once."""
    held = Upload.objects.select_for_update(of=("self",)).filter(pk=upload.pk, token=upload.token).first()
    if held is None:
        raise Fenced(str(upload))
    held.state, held.why, held.mend, held.findings = UploadState.REFUSED, why, mend, findings or {}
    held.lease_until = None
    held.token += 1
    if not keep and not mend:
        _drop_later(held)
        held.received_bytes = 0
    held.save()
    say(held, why=why)


@transaction.atomic
def ready(upload: Upload, sha256: str, findings: dict[str, Any], **result: Any) -> None:
    """It has become `result`: model and variant, or dataset. Call it in the transaction that makes these rows."""
    held = Upload.objects.select_for_update(of=("self",)).filter(pk=upload.pk, token=upload.token,
                                                                state=UploadState.CHECKING).first()
    if held is None:
        raise Fenced(str(upload))
    held.state, held.sha256, held.lease_until, held.findings = UploadState.READY, sha256, None, findings
    for name, thing in result.items():
        setattr(held, name, thing)
    held.token += 1
    held.save()
    _drop_later(held)
    say(held, **{name: str(thing.pk) for name, thing in result.items()})


def forget(upload: Upload) -> None:
    """Delete a locked upload with its bytes."""
    _drop_later(upload)
    upload.delete()


def _drop_later(upload: Upload) -> None:
    """Once this transaction is in; a process that dies before leaves them to `sweep_orphans`."""
    pieces = parts.Pieces.of(upload)
    upload.parts.all().delete()
    transaction.on_commit(pieces.remove)


def sweep() -> int:
    """Forget uploads that nobody went on with for a day, and refused ones that nobody mended; how many."""
    old = timezone.now() - timedelta(seconds=settings.UPLOAD_KEPT_S)
    stale = Upload.objects.filter(touched__lt=old, state__in=(UploadState.RECEIVING, UploadState.REFUSED))
    count = 0
    for upload in stale.select_related("team")[:100]:
        with transaction.atomic():
            held = stale.select_for_update(of=("self",)).filter(pk=upload.pk).first()
            if held is not None:
                say(held, gone=True)
                forget(held)
                count += 1
    return count


def sweep_orphans() -> int:
    """Remove pieces in the store whose upload is gone: a process died between the row and the file; how many uploads."""
    found = parts.uploads_with_pieces()
    known = {pk.hex for pk in Upload.objects.filter(pk__in=found).exclude(state=UploadState.READY).values_list("pk", flat=True)}
    orphans = [pk for pk in found if pk.hex not in known]
    for pk in orphans:
        parts.Pieces.of(Upload(pk=pk)).remove()
    return len(orphans)
