"""From what was asked to rows: things looked up with the person's rights, checked together, and all runs made at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError as BadValue
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import Team, TeamQuerySet, User
from apps.accounts.refusal import Refused
from apps.catalog.models import IMAGES, RECORDINGS, Dataset, Variant
from apps.experiments import cutting, evidence
from apps.experiments.models import Experiment, Run
from apps.experiments.placing import DEVICES, board_of, queue_of
from apps.experiments.studies import Asked
from apps.experiments.waking import wake
from apps.live.models import Saying, Stream
from worker.params import Params, Reference, ReferenceKind
from worker.recipe import Recipe

LONGEST_TITLE = 100
# The things of one run, by the field that names them.
Things = dict[str, tuple[ReferenceKind, Any]]
_KINDS: dict[ReferenceKind, TeamQuerySet] = {
    "model": Variant.objects.select_related("model"), "dataset": Dataset.objects.filter(IMAGES), "device": DEVICES,
    "recordings": Dataset.objects.filter(RECORDINGS)}


def precisions(params: type[Params], field: str) -> tuple[str, ...]:
    """The precisions of a variant that the field takes; none named means all."""
    marks = (mark for mark in params.model_fields[field].metadata if isinstance(mark, Reference))
    return tuple(getattr(next(marks, None), "precisions", None) or ())


def resolve(user: User, team: Team, every: Sequence[Params]) -> list[Things]:
    """What each run's reference fields name, visible to the user and of this team: one query a field, whatever recipes."""
    wanted: dict[tuple[str, ReferenceKind], set[str]] = {}
    for each in every:
        for field, kind in each.references().items():
            name = str(getattr(each, field) or "")
            if name or type(each).model_fields[field].is_required():
                wanted.setdefault((field, kind), set()).add(name)
    tables = {field: _table(user, team, field, kind, names) for (field, kind), names in wanted.items()}
    found = [_things(each, tables) for each in every]
    _refuse_precisions(every, found)
    _refuse_misfits(every, found)
    return found


def _table(user: User, team: Team, field: str, kind: ReferenceKind, asked: set[str]) -> dict[str, Any]:
    """The things of one field by what names them; Refused when one is not there."""
    try:
        rows: Any = _KINDS[kind].visible_to(user).filter(pk__in=asked)
        # What others share a team may run on, beside its own.
        mine = rows.usable_by(team) if kind == "device" else rows.filter(team=team)
        found = {str(thing.pk): thing for thing in mine}
    except (BadValue, ValueError):
        found = {}
    table: dict[str, Any] = {name: found.get(name.lower()) for name in asked}
    if None in table.values():
        raise Refused({field: f"There {'are' if kind == 'recordings' else 'is'} no such {kind} in this team."})
    return table


def _refuse_precisions(every: Sequence[Params], found: Sequence[Things]) -> None:
    """A model must compute with numbers that each recipe it is given to can work on."""
    for params, field, thing in {(type(each), field, thing) for each, things in zip(every, found, strict=True)
                                 for field, (kind, thing) in things.items() if kind == "model"}:
        allowed = precisions(params, field)
        if allowed and thing.precision not in allowed:
            raise Refused({field: f"{thing.model} · {thing.name} computes with {thing.precision}; this recipe takes "
                                  f"{' or '.join(allowed)}."})


def _refuse_misfits(every: Sequence[Params], found: Sequence[Things]) -> None:
    """What is asked of recordings must be among them."""
    for params, things in zip(every, found, strict=True):
        for kind, thing in things.values():
            if kind == "recordings" and (wrong := _misfits(params, thing.recorded)):
                raise Refused(wrong)


def _misfits(params: Params, recorded: Mapping[str, Any]) -> dict[str, str]:
    return params.misfits(sorted(recorded["detectors"]), has_truth=recorded["truth"] is not None)


def _things(params: Params, tables: dict[str, dict[str, Any]]) -> Things:
    named = {field: str(getattr(params, field) or "") for field in params.references()}
    return {field: (kind, tables[field][named[field]]) for field, kind in params.references().items()
            if named[field] in tables.get(field, {})}


def fit(every: Iterable[Things]) -> None:
    """Refuse a data set whose samples or classes a model does not take, with both numbers."""
    for things in every:
        models = [thing.model for kind, thing in things.values() if kind == "model"]
        for field, (kind, thing) in things.items():
            for model in models if kind == "dataset" else ():
                if sentence := model.misfit(thing):
                    raise Refused({field: sentence})


def title(recipes: Sequence[Recipe], things: Things, params: Params) -> str:
    """`Magnitude · LeNet-5 · digits`, and `Magnitude against Random, Reconvene · ...`."""
    first, *others = [recipe.title for recipe in recipes]
    name = f"{first} against {', '.join(others)}" if others else first
    name = name if len(name) <= LONGEST_TITLE else f"{len(recipes)} recipes"
    networks = [str(value) for field in params.networks() if (value := getattr(params, field))]
    return " · ".join([name, *networks, *(_titled(kind, thing) for kind, thing in things.values())])[:200]


def make_runs(experiment: Experiment, every: Sequence[Asked], things: Sequence[Things]) -> list[Run]:
    """All runs of an experiment at once, queued, each with its stream; one wake-up a queue when this is in."""
    team, now = experiment.team, timezone.now()
    profiles = evidence.for_runs(team, every, things)
    cutting.refuse(every, things, profiles.found)
    streams = Stream.begin(team, [Saying("status", {"status": "queued", "attempt": 0, "worker": ""})] * len(every))
    Team.objects.filter(pk=team.pk).update(runs_numbered=F("runs_numbered") + len(every))
    last = Team.objects.values_list("runs_numbered", flat=True).get(pk=team.pk)
    runs = Run.objects.bulk_create(
        Run(team=team, experiment=experiment, stream=stream, number=last - len(every) + place, recipe=recipe.name,
            params=params.model_dump(mode="json"),
            inputs={field: _copied(*thing) for field, thing in given.items()} | profiles.inputs(recipe, params),
            queue=queue_of(recipe, given), board=board_of(recipe, given), queued_at=now, published_at=now)
        for place, (stream, (recipe, params), given) in enumerate(zip(streams, every, things, strict=True), start=1))
    profiles.keep(runs)
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
