"""What runs offer plans: a file of offers that a run leaves becomes rows, as a profile does. What is none is told in its log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models.signals import post_save

from apps.accounts.models import Team
from apps.catalog import blobs
from apps.devices.models import Device, Profile
from apps.experiments import evidence
from apps.experiments.models import Run, RunFile
from apps.live.models import Saying
from apps.plans import layers, noticing
from apps.plans.choosing import of_team
from apps.plans.models import TransferOffer
from worker.events import Log
from worker.planning.offers import MEDIA_TYPE, MOST_SIZE, Offer, read

REFUSED = "{name} is kept as a file only: {why}"


def listen() -> None:
    """Called once, when all apps are there."""
    post_save.connect(_left, sender=RunFile, dispatch_uid="plans hear of files that runs leave")
    evidence.offered.connect(_known, dispatch_uid="plans know of transfer layers")


def _known(team: Team, networks: Sequence[str], **_: Any) -> list[Offer]:
    """For a run that plans: of each network, with devices as they are called now."""
    rows = [row for network in networks for row in layers.offers(of_team(team), network)]
    return [layers.told(row, row.device.name if row.device else row.body["device"]) for row in rows]


def _left(instance: RunFile, raw: bool = False, **_: Any) -> None:
    if not raw and instance.media_type == MEDIA_TYPE:
        keep(instance.run, instance)


def keep(run: Run, file: RunFile) -> None:
    """In the transaction that the file's own row is written in. Nothing here ends the run."""
    try:
        found = _read(file)
    except ValueError as refusal:
        return _say(run, REFUSED.format(name=file.name, why=refusal))
    TransferOffer.objects.filter(made_by=run.pk).delete()
    TransferOffer.objects.bulk_create(_row(run, place, offer) for place, offer in enumerate(found))
    noticing.offered(run.team_id)
    return None


def _read(file: RunFile) -> tuple[Offer, ...]:
    if file.blob.size_bytes > MOST_SIZE:
        raise ValueError(f"it has {file.blob.size_bytes:,} bytes, at most {MOST_SIZE:,} are read.")
    return read(blobs.local(file.blob_id).read_bytes())


def _row(run: Run, place: int, offer: Offer) -> TransferOffer:
    return TransferOffer(team_id=run.team_id, network=_network(run, offer), dataset=offer.dataset, device=_device(run, offer),
                         made_by=run.pk, place=place, body=offer.model_dump(mode="json"))


def _network(run: Run, offer: Offer) -> str:
    """As the team's profiles of it are called: those of the variant that the run was given, else of the same file, else so."""
    mine = Profile.objects.filter(team_id=run.team_id).order_by("-created")
    if mine.filter(network=offer.network).exists():
        return offer.network
    given = run.inputs.get("model")
    of_variant = mine.filter(variant=given["id"]) if isinstance(given, dict) and given.get("id") else mine.none()
    of_file = mine.filter(body__sha256=offer.network_sha256) if offer.network_sha256 else mine.none()
    names = [rows.values_list("network", flat=True).first() for rows in (of_variant, of_file)]
    return next((name for name in names if name), offer.network)


def _device(run: Run, offer: Offer) -> Device | None:
    """By the name that the run gave it; else this host, where the run was."""
    mine = Device.objects.usable_by(run.team_id).filter(retired=False)
    named: Device | None = mine.filter(name=offer.device).first()
    here: Device | None = named or mine.filter(host=settings.HOST, host__gt="").first()
    return here


def _say(run: Run, text: str) -> None:
    said = Log(level="warning", message=text[:2000])
    run.stream.append([Saying(said.type, said.model_dump(mode="json", exclude={"type"}))])
