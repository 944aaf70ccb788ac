"""The town with a second, smaller variant, with accuracies on a data set, and with what a transfer layer offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps.catalog import blobs
from apps.catalog.models import Blob, RegisteredModel, Variant
from apps.devices.models import Profile
from apps.experiments.models import Measurement, Run, RunFile, Status
from apps.plans.models import TransferOffer
from tests.apps.plans.conftest import BYTES, Town
from worker.planning.offers import MEDIA_TYPE, Offer, written

DATASET = "digits"


def offer(**more: Any) -> Offer:
    facts: dict[str, Any] = {
        "network": "small", "after": "stem.conv", "layer": "max-pool, int8", "bytes": 25_000, "raw_bytes": BYTES[0],
        "down_s": 0.001, "convert_s": 0.0005, "up_s": 0.002, "device": "pi-4", "accuracy": 0.93, "accuracy_whole": 0.95, "n": 500,
        "dataset": DATASET}
    return Offer.model_validate(facts | more)


def variant(town: Town, name: str) -> Variant:
    """One that profiles by this name are of."""
    blob = Blob.objects.create(sha256=name.encode().hex().ljust(64, "0"), size_bytes=1)
    model = RegisteredModel.objects.create(team=town.cast.team, name=name, in_shape=[3, 8, 8], classes=10)
    made = Variant.objects.create(team=town.cast.team, model=model, name=name, file=blob, size_bytes=1, params=1, macs=1,
                                  activation_bytes=1)
    Profile.objects.filter(network=name).update(variant=made.pk)
    return made


def measured(town: Town, of: Variant | None, accuracy: float, run: Run | None = None, **more: Any) -> Measurement:
    facts: dict[str, Any] = {"metric": "accuracy", "n": 500, "unit": "fraction", "origin": "measured", "dataset": DATASET,
                             "split": "test", "variant_name": str(of or "given")}
    return Measurement.objects.create(team=town.cast.team, run=run or town.cast.run(Status.FINISHED), variant=of, value=accuracy,
                                      **facts | more)


def left(town: Town, folder: Path, content: bytes, run: Run | None = None) -> RunFile:
    """A file of offers, as a run leaves it."""
    file = folder / "offers.json"
    file.write_bytes(content)
    run = run or town.cast.run(Status.RUNNING)
    kept: RunFile = RunFile.objects.update_or_create(
        run=run, path=file.name, defaults={"name": file.name, "media_type": MEDIA_TYPE, "blob": blobs.keep(file)})[0]
    return kept


def whole_town(town: Town, folder: Path) -> Run:
    """Two variants with accuracies and a transfer layer; the run that offers it."""
    for device, seconds in ((town.pi, (0.013, 0.040, 0.013)), (town.box, (0.005, 0.010, 0.003)), (town.cloud, (0.001,) * 3)):
        town.profile(device, seconds, network="smaller")
    measured(town, variant(town, "small"), 0.95)
    measured(town, variant(town, "smaller"), 0.90)
    return left(town, folder, written([offer()])).run


def offers(town: Town) -> list[TransferOffer]:
    return list(TransferOffer.objects.filter(team=town.cast.team).order_by("place"))
