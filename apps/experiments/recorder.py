"""The only writer of a run's events: rows first, in one transaction with what they mean, then one knock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.catalog import blobs
from apps.catalog.models import Blob, RegisteredModel, Variant
from apps.experiments import leases, profiles
from apps.experiments.leases import Fenced
from apps.experiments.models import HELD, Measurement, Run, RunFile, RunVariant
from apps.live.knock import knock
from apps.live.models import Saying
from worker.events import (
    Cancelled,
    Event,
    Failed,
    FileMade,
    Finished,
    Measured,
    Progress,
    Started,
    VariantMade,
)
from worker.profile import MEDIA_TYPE as PROFILE

MOST_STAGES = 50
Kept = Mapping[str, Blob]


def folder(run: Run) -> Path:
    """Where the run works; nothing a person typed is in the path."""
    return Path(settings.RUNS) / run.pk.hex


def record(run: Run, events: Sequence[Event]) -> None:
    """Write these events and what they mean; Fenced when this holder's token is no longer the run's."""
    # Copying and syncing large files takes seconds; nobody shall wait for the run's lock meanwhile.
    kept = {path: blobs.keep(inside(run, path)) for event in events for path in _files(event)}
    with transaction.atomic():
        _write(run, events, kept)


def _files(event: Event) -> list[str]:
    if isinstance(event, FileMade):
        return [event.path]
    if isinstance(event, VariantMade) and not event.given:
        return [path for path in (event.file, event.onnx) if path]
    return []


def _write(run: Run, events: Sequence[Event], kept: Kept) -> None:
    held = Run.objects.select_for_update(of=("self",)).filter(pk=run.pk, token=run.token, status__in=HELD).first()
    if held is None:
        raise Fenced(str(run))
    facts = [(event, Saying(event.type, event.model_dump(mode="json", exclude={"type"}), event.key)) for event in events]
    fresh = {row.key for row in held.stream.append([saying for _, saying in facts])}
    for event, saying in facts:
        if saying.key is None or saying.key in fresh:
            fresh.discard(saying.key)
            _mean(held, event, kept)
    transaction.on_commit(lambda: knock(held.stream_id))


def _mean(run: Run, event: Event, kept: Kept) -> None:
    """Turn an event into what it stands for in other tables; most stand for nothing but themselves."""
    meaning = _MEANINGS.get(type(event))
    if meaning:
        meaning(run, event, kept)


def _started(run: Run, event: Started, kept: Kept) -> None:
    run.environment, run.stages = event.environment, {}
    run.save(update_fields=["environment", "stages"])


def _progress(run: Run, event: Progress, kept: Kept) -> None:
    now = timezone.now().isoformat()
    part = event.done / event.total if event.part is None else event.part
    first = run.stages.get(event.stage, {"since": now, "began": part})
    if len(run.stages) < MOST_STAGES or event.stage in run.stages:
        run.stages[event.stage] = {**first, "at": now, "done": event.done, "total": event.total, "part": part}
    run.done, run.total, run.stage = event.done, event.total, event.stage
    run.save(update_fields=["done", "total", "stage", "stages"])


def _file(run: Run, event: FileMade, kept: Kept) -> None:
    values = {"name": event.name, "media_type": event.media_type, "blob": kept[event.path]}
    RunFile.objects.update_or_create(run=run, path=event.path, defaults=values)
    if event.media_type == PROFILE:
        profiles.keep(run, event, kept[event.path])


def _variant(run: Run, event: VariantMade, kept: Kept) -> None:
    """A measured network is the one that was given; where that was deleted meanwhile, its numbers stay without one."""
    given = _given_variant(run, event.given_as)
    variant = given if event.given else _made(run, event, given, kept)
    if variant:
        RunVariant.objects.create(run=run, variant=variant, name=event.name)
        run.measurements.filter(variant_name=event.name).update(variant=variant)


def _made(run: Run, event: VariantMade, given: Variant | None, kept: Kept) -> Variant:
    if kept[event.file].sha256 != event.sha256:
        raise ValueError(f"{event.file!r} is not the file that the run described: its SHA-256 differs")
    parent = run.variants.filter(name=event.parent).first() if event.parent else None
    return Variant.objects.create(
        team_id=run.team_id, model=_model(run, given), name=f"{event.name[:100]} of run {run.number}", made_by=run.pk,
        parent=parent.variant if parent else given, precision=event.precision, file=kept[event.file],
        onnx=kept[event.onnx] if event.onnx else None, **event.facts.model_dump(),
    )


def _measured(run: Run, event: Measured, kept: Kept) -> None:
    made = run.variants.filter(name=event.variant).first()
    same = ("metric", "value", "low", "high", "n", "unit", "origin", "threads", "batch", "noisy")
    Measurement.objects.create(
        team_id=run.team_id, run=run, variant_name=event.variant, variant=made.variant if made else None,
        device=event.device or "", engine=event.engine or "", dataset=event.dataset or "", split=event.split or "",
        samples=run.files.filter(path=event.samples).first() if event.samples else None,
        **{name: getattr(event, name) for name in same},
    )


def _ended(run: Run, event: Finished | Failed | Cancelled, kept: Kept) -> None:
    leases.end(run, event, said=True)


def _given_variant(run: Run, field: str = "") -> Variant | None:
    """The network that the field named; the first one where none is said."""
    given = next((entry["id"] for name, entry in run.inputs.items() if entry["kind"] == "model" and field in ("", name)), None)
    return Variant.objects.filter(pk=given).first() if given else None


def _model(run: Run, given: Variant | None) -> RegisteredModel:
    if given:
        return given.model
    name = f"model of run {run.number}"
    return RegisteredModel.objects.get_or_create(team_id=run.team_id, name=name, defaults={"in_shape": [], "classes": 0})[0]


def inside(run: Run, path: str) -> Path:
    """The file of that relative path in the run's folder; ValueError for anything that leads out of it."""
    root = folder(run).resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root) or not found.is_file():
        raise ValueError(f"{path!r} is not a file of this run's folder")
    return found


_MEANINGS: dict[type, Callable[[Run, Any, Kept], None]] = {
    Started: _started, Progress: _progress, FileMade: _file, VariantMade: _variant, Measured: _measured,
    Finished: _ended, Failed: _ended, Cancelled: _ended,
}
