"""What a board says of the run it holds: each batch is kept once, fenced by the lease; what cannot be is rejected."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Length

from apps.devices.boards.unwelcome import NotYours, Unwelcome
from apps.devices.models import Agent, Device
from apps.experiments import board_files, board_words, leases, recorder
from apps.experiments.board_leases import holding, renew
from apps.experiments.board_words import Rejected
from apps.experiments.models import Run, Status
from apps.live.models import Saying
from worker.events import Failed

log = logging.getLogger(__name__)
KEPT_OF_A_REJECTED = 4000
MOST_EVENTS = 500_000


class Heard(NamedTuple):
    """What the agent is told in return: whether to stop, what a person changed, and the batch that is kept."""

    cancel: bool
    live: dict[str, Any]
    batch: int


def hear(agent: Agent, run: UUID, lease: int, batch: int, said: Any) -> Heard:
    """Keep one batch of what the board says, once. Unwelcome: 409 when the lease is lost, 422 for what cannot be."""
    try:
        with transaction.atomic():
            return _heard(holding(agent, run, lease), agent.device, batch, said)
    except NotYours:
        # Words that were kept while the lease held get their answer again; a lease that is gone is not prolonged.
        before = _heard_before(agent, run, lease, batch) if said else None
        if before is None:
            raise
        return before
    except leases.Fenced:
        raise NotYours from None
    except (Rejected, ValueError) as error:
        _reject(agent, run, lease, batch, said, str(error))
        raise Unwelcome(422, f"This cannot be: {error} The run failed for it.", field="events", batch=batch) from None


def _heard(held: Run, device: Device, batch: int, said: Any) -> Heard:
    kept = held.last_batch
    if said != [] and batch > kept:
        recorder.record(held, _events(held, device, said))
        Run.objects.filter(pk=held.pk).update(last_batch=batch)
        kept = batch
    renew(held)
    return Heard(held.status == Status.CANCELLING, held.live_params, kept)


def _events(held: Run, device: Device, said: Any) -> Sequence[Any]:
    if held.stream.head > MOST_EVENTS:
        raise Rejected(f"The run has said {held.stream.head:,} things; more than {MOST_EVENTS:,} are not kept.")
    events = board_words.read(said, device=device.name, recipe=held.recipe, attempt=held.attempt, logged_bytes=_logged(held))
    board_files.bring(held, events)
    return events


def _logged(run: Run) -> int:
    """How much log the run has, in letters; all that there may be, once that was said."""
    lines = run.stream.events.filter(type="log").annotate(text=KeyTextTransform("message", "body"))
    found = lines.aggregate(all=Sum(Length("text")), over=Count("pk", filter=Q(text=board_words.FULL)))
    return board_words.LOG_BYTES if found["over"] else found["all"] or 0


def _heard_before(agent: Agent, run: UUID, lease: int, batch: int) -> Heard | None:
    """The answer to a batch that was kept while the lease held, and is sent again because its answer was lost."""
    kept = Run.objects.filter(pk=run, board_id=agent.device_id, board_lease=lease, last_batch__gte=batch).first()
    return Heard(False, kept.live_params, kept.last_batch) if kept else None


@transaction.atomic
def _reject(agent: Agent, run: UUID, lease: int, batch: int, said: Any, reason: str) -> None:
    """Keep what was said beside the reason why it is no result, and end the run: half of its numbers would be worse than none."""
    held = holding(agent, run, lease)
    body = {"batch": batch, "reason": reason, "said": board_words.plain(json.dumps(said)[:KEPT_OF_A_REJECTED])}
    held.stream.append([Saying("rejected", body, f"rejected:{lease}:{batch}")])
    leases.end(held, Failed(reason=f"What the board {agent.device} said was refused: {reason}"))
    log.warning("%s: a batch of device %s was rejected: %s", held, agent.device_id, reason)
