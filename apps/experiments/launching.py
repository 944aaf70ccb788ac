"""From what was asked to rows: things looked up with the person's rights, checked together, and all runs made at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError as BadValue
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import Team, TeamQuerySet, User
from apps.accounts.refusal import Refused
from apps.catalog.models import Dataset, Variant
from apps.devices.models import Device
from apps.experiments.models import Experiment, Run
from apps.experiments.waking import wake
from apps.live.models import Saying, Stream
from worker.params import Params, Reference, ReferenceKind
from worker.recipe import Recipe

# The things of one run, by the field that names them.
Things = dict[str, tuple[ReferenceKind, Any]]
_KINDS: dict[ReferenceKind, TeamQuerySet] = {
    "model": Variant.objects.select_related("model"), "dataset": Dataset.objects.all(), "device": Device.objects.all()}


def precisions(params: type[Params], field: str) -> tuple[str, ...]:
    """The precisions of a variant that the field takes; none named means all."""
    marks = (mark for mark in params.model_fields[field].metadata if isinstance(mark, Reference))
    return tuple(getattr(next(marks, None), "precisions", None) or ())


def resolve(user: User, team: Team, every: Sequence[Params]) -> list[Things]:
    """What each run's reference fields name, visible to the user and of this team: one query a field."""
    params = every[0]
    tables = {field: _table(user, team, type(params), field, kind, {str(getattr(each, field) or "") for each in every})
              for field, kind in params.references().items()}
    return [_things(each, tables) for each in every]


def _table(user: User, team: Team, params: type[Params], field: str, kind: ReferenceKind, wanted: set[str]) -> dict[str, Any]:
    """The things of one field by what names them; Refused when one is not there, or not for this recipe."""
    asked = {name for name in wanted if name or params.model_fields[field].is_required()}
    try:
        found = {str(thing.pk): thing for thing in _KINDS[kind].visible_to(user).filter(team=team, pk__in=asked)}
    except (BadValue, ValueError):
        found = {}
    table: dict[str, Any] = {name: found.get(name.lower()) for name in asked}
    if None in table.values():
        raise Refused({field: f"There is no such {kind} in this team."})
    allowed = precisions(params, field) if kind == "model" else ()
    for thing in table.values():
        if allowed and thing.precision not in allowed:
            raise Refused({field: f"{thing.model} · {thing.name} computes with {thing.precision}; this recipe takes "
                                  f"{' or '.join(allowed)}."})
    return table


def _things(params: Params, tables: dict[str, dict[str, Any]]) -> Things:
    named = {field: str(getattr(params, field) or "") for field in params.references()}
    return {field: (kind, tables[field][named[field]]) for field, kind in params.references().items()
            if named[field] in tables[field]}


def fit(every: Iterable[Things]) -> None:
    """Refuse a data set whose samples or classes a model does not take, with both numbers."""
    for things in every:
        models = [thing.model for kind, thing in things.values() if kind == "model"]
        for field, (kind, thing) in things.items():
            for model in models if kind == "dataset" else ():
                if sentence := model.misfit(thing):
                    raise Refused({field: sentence})


def title(recipe: Recipe, things: Things) -> str:
    return " · ".join([recipe.title, *(_titled(kind, thing) for kind, thing in things.values())])[:200]


def make_runs(experiment: Experiment, recipe: Recipe, every: Sequence[Params], things: Sequence[Things]) -> list[Run]:
    """All runs of an experiment at once, queued, each with its stream; one wake-up a queue when this is in."""
    team, now = experiment.team, timezone.now()
    streams = Stream.begin(team, [Saying("status", {"status": "queued", "attempt": 0, "worker": ""})] * len(every))
    Team.objects.filter(pk=team.pk).update(runs_numbered=F("runs_numbered") + len(every))
    last = Team.objects.values_list("runs_numbered", flat=True).get(pk=team.pk)
    runs = Run.objects.bulk_create(
        Run(team=team, experiment=experiment, stream=stream, number=last - len(every) + place, recipe=recipe.name,
            params=params.model_dump(mode="json"), inputs={field: _copied(*thing) for field, thing in given.items()},
            queue=_queue(recipe, given), queued_at=now, published_at=now)
        for place, (stream, params, given) in enumerate(zip(streams, every, things, strict=True), start=1))
    for queue in sorted({run.queue for run in runs}):
        transaction.on_commit(lambda queue=queue: wake(queue))  # type: ignore[misc]
    return runs


def _named(kind: ReferenceKind, thing: Any) -> Any:
    return thing.model if kind == "model" else thing


def _titled(kind: ReferenceKind, thing: Any) -> str:
    """What a run made is named as such: its model has other variants too."""
    return f"{thing.model} · {thing.name}" if kind == "model" and thing.made_by else str(_named(kind, thing))


def _copied(kind: ReferenceKind, thing: Any) -> dict[str, Any]:
    """What the run keeps of an input, so that it stays what it was even when the thing is renamed or measured again."""
    copy = {"kind": kind, "id": str(thing.pk), "name": str(_named(kind, thing))}
    if kind == "device":
        return copy | {"tier": thing.tier, "hardware": thing.hardware, "host": thing.host}
    copy |= {"sha256": thing.file_id}
    return copy | {"variant": thing.name, "precision": thing.precision} if kind == "model" else copy


def _queue(recipe: Recipe, things: Things) -> str:
    devices = [thing for kind, thing in things.values() if kind == "device"]
    if devices and recipe.needs_quiet:
        queue: str = devices[0].queue
        return queue
    return settings.BENCH_QUEUE if recipe.needs_quiet else "cpu"
