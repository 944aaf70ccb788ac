"""What a person does with experiments: launch, cancel, retry, change a live parameter."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.exceptions import ValidationError as BadValue
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from pydantic import ValidationError

from apps.accounts import teams
from apps.accounts.models import Team, TeamQuerySet, User
from apps.accounts.refusal import Refused
from apps.catalog.models import Dataset, Variant
from apps.devices.models import Device
from apps.experiments.leases import say_status
from apps.experiments.models import Experiment, Run, Status
from apps.live.knock import knock
from apps.live.models import Saying, Stream
from worker import menu
from worker.params import Params, ReferenceKind
from worker.recipe import Recipe
from worker.wording import complaint

log = logging.getLogger(__name__)
_messenger = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wake")


def launch(user: User, team: Team, recipe: str, values: dict[str, Any], name: str = "") -> Run:
    """Make Experiment and Run in one transaction, then wake a worker. Refused says what is wrong, field by field."""
    chosen = _recipe(recipe)
    if not teams.may_edit(user, team):
        raise Refused({"": "Your role in this team does not allow to start experiments."})
    params = _validated(chosen, values)
    things = _resolve(user, team, params)
    _fit(things)
    with transaction.atomic():
        run = _make(user, team, chosen, params, things, name)
    return run


def cancel(user: User, run: Run) -> None:
    """Ask the run to stop. A queued one ends at once; a running one keeps its checkpoints."""
    with transaction.atomic():
        held = _locked(user, run)
        if held.status == Status.QUEUED:
            held.status, held.finished_at = Status.CANCELLED, timezone.now()
        elif held.status == Status.RUNNING:
            held.status = Status.CANCELLING
        else:
            raise Refused({"": f"This run is {held.status}; only a queued or running one can be cancelled."})
        held.cancelled_by = user
        held.save(update_fields=["status", "finished_at", "cancelled_by"])
        say_status(held)


def retry(user: User, run: Run) -> None:
    """Queue a failed or cancelled run again; it goes on from its last checkpoint."""
    with transaction.atomic():
        held = _locked(user, run)
        if held.status not in (Status.FAILED, Status.CANCELLED):
            raise Refused({"": f"This run is {held.status}; only a failed or cancelled one can be tried again."})
        held.status, held.queued_at, held.published_at = Status.QUEUED, timezone.now(), timezone.now()
        held.finished_at, held.cancelled_by, held.stalls, held.reason, held.trace = None, None, 0, "", ""
        held.save(update_fields=["status", "queued_at", "published_at", "finished_at", "cancelled_by", "stalls",
                                 "reason", "trace"])
        say_status(held)
        transaction.on_commit(lambda: wake(held.queue))


def change_live(user: User, run: Run, values: dict[str, Any]) -> None:
    """Change parameters that the recipe reads while it runs; the change is a row and an event."""
    recipe = _recipe(run.recipe)
    with transaction.atomic():
        held = _locked(user, run)
        if held.status not in (Status.QUEUED, Status.RUNNING):
            raise Refused({"": f"This run is {held.status}; nothing can be changed any more."})
        strange = sorted(set(values) - set(recipe.params.live_fields()))
        if strange:
            raise Refused({name: "cannot be changed while the run goes on" for name in strange})
        merged = _validated(recipe, {**held.params, **held.live_params, **values})
        held.live_params = {**held.live_params, **{name: merged.model_dump(mode="json")[name] for name in values}}
        held.save(update_fields=["live_params"])
        held.stream.append([Saying("changed", {"by": str(user), "values": values})])
        transaction.on_commit(lambda: knock(held.stream_id))


def wake(queue: str) -> None:
    """Tell the workers of a queue that a run waits; never raises and never waits, however slow the broker is.

    A lost or refused message loses nothing: the row waits, and the reaper sends another.
    """
    _messenger.submit(_wake, queue)


def _wake(queue: str) -> None:
    try:
        current_app.send_task("worker.tasks.work", queue=queue, retry=False)
    except Exception as error:
        log.warning("The broker did not take the wake-up for %s (%s); the reaper will try again", queue, error)


def _recipe(name: str) -> Recipe:
    try:
        return menu.get(name)
    except KeyError:
        raise Refused({"recipe": f"There is no recipe {name[:80]!r}."}) from None


def _validated(recipe: Recipe, values: dict[str, Any]) -> Params:
    try:
        return recipe.params.model_validate(values)
    except ValidationError as wrong:
        said = {str(error["loc"][0]) if error["loc"] else "": complaint(error, recipe.params) for error in wrong.errors()}
        raise Refused(said) from None


def _locked(user: User, run: Run) -> Run:
    held = Run.objects.editable_by(user).select_for_update(of=("self",)).filter(pk=run.pk).first()
    if held is None:
        raise Refused({"": "Your role in this team does not allow this."})
    assert isinstance(held, Run)
    return held


_KINDS: dict[ReferenceKind, TeamQuerySet] = {
    "model": Variant.objects.select_related("model"), "dataset": Dataset.objects.all(), "device": Device.objects.all()}


def _resolve(user: User, team: Team, params: Params) -> dict[str, tuple[ReferenceKind, Any]]:
    """The things that the reference fields name, each visible to the user and of this team."""
    found: dict[str, tuple[ReferenceKind, Any]] = {}
    for field, kind in params.references().items():
        wanted = getattr(params, field)
        if wanted or params.__class__.model_fields[field].is_required():
            found[field] = (kind, _one(user, team, field, kind, wanted))
    return found


def _one(user: User, team: Team, field: str, kind: ReferenceKind, wanted: str) -> Any:
    try:
        thing = _KINDS[kind].visible_to(user).filter(team=team, pk=wanted).first()
    except (BadValue, ValueError):
        thing = None
    if thing is None:
        raise Refused({field: f"There is no such {kind} in this team."})
    return thing


def _fit(things: dict[str, tuple[ReferenceKind, Any]]) -> None:
    """Refuse a data set whose samples or classes the model does not take, with both numbers."""
    models = [thing.model for kind, thing in things.values() if kind == "model"]
    for field, (kind, thing) in things.items():
        for model in models if kind == "dataset" else ():
            if sentence := model.misfit(thing):
                raise Refused({field: sentence})


def _make(user: User, team: Team, recipe: Recipe, params: Params, things: dict[str, tuple[ReferenceKind, Any]],
          name: str) -> Run:
    title = name.strip() or " · ".join([recipe.title, *(str(_named(kind, thing)) for kind, thing in things.values())])
    experiment = Experiment.objects.create(team=team, name=title[:200], recipe=recipe.name, created_by=user)
    Team.objects.filter(pk=team.pk).update(runs_numbered=F("runs_numbered") + 1)
    number = Team.objects.values_list("runs_numbered", flat=True).get(pk=team.pk)
    run = Run.objects.create(
        team=team, experiment=experiment, stream=Stream.objects.create(team=team), number=number, recipe=recipe.name,
        params=params.model_dump(mode="json"), inputs={field: _copied(*thing) for field, thing in things.items()},
        queue=_queue(recipe, things), queued_at=timezone.now(), published_at=timezone.now(),
    )
    say_status(run)
    transaction.on_commit(lambda: wake(run.queue))
    return run


def _named(kind: ReferenceKind, thing: Any) -> Any:
    return thing.model if kind == "model" else thing


def _copied(kind: ReferenceKind, thing: Any) -> dict[str, Any]:
    """What the run keeps of an input, so that it stays what it was even when the thing is renamed or measured again."""
    copy = {"kind": kind, "id": str(thing.pk), "name": str(_named(kind, thing))}
    if kind == "device":
        return copy | {"tier": thing.tier, "hardware": thing.hardware, "host": thing.host}
    copy |= {"sha256": thing.file_id}
    return copy | {"variant": thing.name, "precision": thing.precision} if kind == "model" else copy


def _queue(recipe: Recipe, things: dict[str, tuple[ReferenceKind, Any]]) -> str:
    devices = [thing for kind, thing in things.values() if kind == "device"]
    if devices and recipe.needs_quiet:
        queue: str = devices[0].queue
        return queue
    return settings.BENCH_QUEUE if recipe.needs_quiet else "cpu"
