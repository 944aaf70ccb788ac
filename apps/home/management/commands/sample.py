"""Make the sample team from the files of `python -m worker.sample`: people, models, data, this computer, one run."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.accounts.models import Membership, Role, Team, User
from apps.catalog import blobs
from apps.catalog.models import Dataset, RegisteredModel, Variant
from apps.devices import names
from apps.devices.models import Device
from apps.experiments import actions
from apps.experiments.models import Run

SAMPLE_EMAIL = "you@sample.invalid"
FIRST_RUN = {"recipe": "pruning.reconvene", "model": "VGG-11", "dataset": "digits32", "values": {"epochs": 4}}


class Command(BaseCommand):
    """Idempotent: what is there stays as it is."""

    help = "Make the sample team of a local installation and start its first run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        if not settings.LOCAL:
            raise CommandError("There is no sample team with production settings.")
        manifest = json.loads((folder / "manifest.json").read_text())
        with transaction.atomic():
            user, team = people()
            for entry in manifest["datasets"]:
                dataset(team, folder, entry)
            for entry in manifest["models"]:
                model(team, folder, entry)
            this_computer(team)
        if not Run.objects.visible_to(user).exists():
            first_run(user, team)


def people() -> tuple[User, Team]:
    """The sample team and its one admin, who signs in by the printed link only."""
    team = Team.objects.filter(is_sample=True).first() or Team.objects.create(name="Sample team", is_sample=True)
    user = User.objects.filter(email=SAMPLE_EMAIL).first()
    if user is None:
        user = User.objects.create_user(SAMPLE_EMAIL, None, name="Owner", is_staff=True, is_superuser=True)
    Membership.objects.get_or_create(team=team, user=user, defaults={"role": Role.ADMIN})
    return user, team


def dataset(team: Team, folder: Path, entry: dict[str, Any]) -> None:
    if not Dataset.objects.filter(team=team, name=entry["name"]).exists():
        facts = {name: value for name, value in entry.items() if name not in ("file", "samples")}
        Dataset.objects.create(team=team, file=blobs.keep(folder / entry["file"]),
                               samples=blobs.keep(folder / entry["samples"]), **facts)


def model(team: Team, folder: Path, entry: dict[str, Any]) -> None:
    if RegisteredModel.objects.filter(team=team, name=entry["name"]).exists():
        return
    about = {name: entry[name] for name in ("name", "in_shape", "classes", "description")}
    made = RegisteredModel.objects.create(team=team, **about)
    Variant.objects.create(team=team, model=made, name="initialised", file=blobs.keep(folder / entry["file"]),
                           onnx=blobs.keep(folder / entry["onnx"]), **entry["facts"])


def this_computer(team: Team) -> None:
    if not Device.objects.filter(team=team, host=settings.HOST).exists():
        Device.objects.create(team=team, name=names.free(team, "this computer", settings.HOST), host=settings.HOST,
                              hardware=processor()[:200])


def processor() -> str:
    """The processor's name as the kernel tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def first_run(user: User, team: Team) -> Run:
    """The run that a newcomer sees live."""
    variant = Variant.objects.get(team=team, model__name=FIRST_RUN["model"], parent=None, made_by=None)
    data = Dataset.objects.get(team=team, name=FIRST_RUN["dataset"])
    values = {"model": str(variant.pk), "dataset": str(data.pk), **FIRST_RUN["values"]}  # type: ignore[dict-item]
    return actions.launch(user, team, str(FIRST_RUN["recipe"]), values)
