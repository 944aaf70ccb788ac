"""A profile that a run leaves becomes a row of the device it was measured on; one that is no profile is told and left a file."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError as BadValue
from pydantic import ValidationError

from apps.catalog import blobs
from apps.catalog.models import Blob, Variant
from apps.devices.models import Device, Profile
from apps.experiments.models import Run
from apps.live.models import Saying
from worker.events import FileMade, Log
from worker.profile import NetworkProfile

MOST_BYTES = 1_000_000
REFUSED = "{name} is kept as a file only, it is no profile: {why}."
NOWHERE = "{name} is kept as a file only: this host is no device of the team, so there is none that it is a profile of."


def keep(run: Run, event: FileMade, blob: Blob) -> None:
    """Beside the file's own row. Nothing here ends the run: what cannot be kept is said in its log."""
    try:
        profile = read(blob)
    except ValueError as refusal:
        return _say(run, REFUSED.format(name=event.name, why=refusal))
    device = device_of(run, profile)
    if device is None:
        return _say(run, NOWHERE.format(name=event.name))
    variant = _given(run)
    told = profile.model_copy(update={"network": network_of(variant, profile)})
    Profile.objects.update_or_create(
        team_id=run.team_id, made_by=run.pk, file_name=event.name[:200],
        defaults={"device": device, "variant": variant.pk if variant else None, **_columns(told)})
    return None


def _columns(told: NetworkProfile) -> dict[str, Any]:
    """What lists show of it, and all of it."""
    return {"form": "house", "network": told.network, "engine": told.engine, "threads": told.threads, "batch": told.batch,
            "origin": told.origin, "blocks": len(told.blocks), "total_ms": 1e3 * told.total_s,
            "body": told.model_dump(mode="json")}


def read(blob: Blob) -> NetworkProfile:
    """ValueError in words that end a sentence."""
    if blob.size_bytes > MOST_BYTES:
        raise ValueError(f"it has {blob.size_bytes:,} bytes, at most {MOST_BYTES:,} are read")
    try:
        return NetworkProfile.model_validate_json(blobs.local(blob.sha256).read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:80]
        raise ValueError(f"{where}: {first['msg'][:200]}" if where else str(first["msg"])[:200]) from None


def device_of(run: Run, profile: NetworkProfile) -> Device | None:
    """The device that the run was asked for; without one what was measured was measured on this host."""
    given = run.inputs.get("device")
    mine = Device.objects.usable_by(run.team_id)
    if isinstance(given, dict):
        try:
            found: Device | None = mine.filter(pk=str(given.get("id"))).first()
        except (BadValue, ValueError):
            return None
        return found
    if profile.origin != "measured":
        return None
    here: Device | None = Device.objects.filter(team_id=run.team_id, host=settings.HOST, retired=False).first()
    return here


def network_of(variant: Variant | None, profile: NetworkProfile) -> str:
    """What lists call it: a variant that a run made is not the network that it was made of."""
    return f"{variant.model} · {variant.name}"[:120].strip() if variant and variant.made_by else profile.network


def _given(run: Run) -> Variant | None:
    given = run.inputs.get("model")
    found: Any = given.get("id") if isinstance(given, dict) else None
    return Variant.objects.filter(pk=found, team_id=run.team_id).select_related("model").first() if found else None


def _say(run: Run, text: str) -> None:
    """In the run's own log, in the transaction that its other words are written in."""
    said = Log(level="warning", message=text[:2000])
    run.stream.append([Saying(said.type, said.model_dump(mode="json", exclude={"type"}))])
