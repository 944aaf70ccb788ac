"""A new model without a file: an architecture of the house, its weights drawn by the desk. It comes as an upload does."""

from __future__ import annotations

import math
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.catalog import checking, room, uploading, wishes
from apps.catalog.models import IMAGES, Dataset, Upload, UploadState, shape_words
from worker import architectures

WIDTH, MOST_WIDTH = 1.0, 4.0
SEED, MOST_SEED = 7, 2**31 - 1
MOST_WAITING = 20
LONGEST_NAME = 120


def make(user: User, team: Team | None, said: dict[str, Any]) -> Upload:
    """Have it made: `said` holds architecture, dataset or in_shape and classes, width, seed and name. Refused field by field."""
    if team is None or not teams.may_edit(user, team):
        raise Refused({"": "Your role in this team does not allow to make models."})
    dataset = _dataset(user, team, said.get("dataset"))
    typed = {name: said[name] for name in ("architecture", "in_shape", "classes", "name") if said.get(name) not in (None, "")}
    wish = wishes.read(user, team, "model", _of(dataset) | typed)
    _check(wish, dataset)
    uploading.check_name(team, "model", wish)
    fresh = _drawn(said) | {"dataset": str(dataset.pk) if dataset else None, "is_named": bool(wish["name"])}
    return _queued(user, team, wish | {"name": wish["name"] or _name(wish, dataset), "fresh": fresh})


def _queued(user: User, team: Team, options: dict[str, Any]) -> Upload:
    with transaction.atomic():
        # Two that ask at once must not both take the last room.
        Team.objects.editable_by(user).select_for_update().get(pk=team.pk)
        _check_room(team)
        made = Upload(team=team, kind=Upload.Kind.MODEL, file_name=options["name"], size_bytes=0, options=options, made_by=user)
        checking.queue(made)
    return made


def _dataset(user: User, team: Team, pk: Any) -> Dataset | None:
    if not pk:
        return None
    try:
        wanted = UUID(str(pk))
    except ValueError:
        raise Refused({"dataset": "There is no such data set in this team."}) from None
    found: Dataset | None = Dataset.objects.visible_to(user).filter(IMAGES, team=team, pk=wanted).first()
    if found is None:
        raise Refused({"dataset": "There is no such data set in this team."})
    return found


def _of(dataset: Dataset | None) -> dict[str, Any]:
    return {"in_shape": dataset.in_shape, "classes": dataset.classes} if dataset else {}


def _check(wish: dict[str, Any], dataset: Dataset | None) -> None:
    """What must be said is said, and what is said of images and classes is what the data set has."""
    wrong = {} if wish["architecture"] else {"architecture": f"must be one of {', '.join(architectures.names())}"}
    asked = {"in_shape": "Say channels, height and width, or choose a data set.",
             "classes": "Say how many classes it tells apart, or choose a data set."}
    wrong |= {name: text for name, text in asked.items() if wish[name] is None}
    if dataset and wish["in_shape"] and list(wish["in_shape"]) != list(dataset.in_shape):
        wrong["in_shape"] = f"{dataset} has {shape_words(dataset.in_shape)} samples; leave this empty, or choose no data set."
    if dataset and wish["classes"] and wish["classes"] != dataset.classes:
        wrong["classes"] = f"{dataset} has {dataset.classes} classes; leave this empty, or choose no data set."
    if wrong:
        raise Refused(wrong)


def _drawn(said: dict[str, Any]) -> dict[str, Any]:
    """Width and seed, as the desk takes them."""
    width = WIDTH if said.get("width") is None else said["width"]
    seed = SEED if said.get("seed") is None else said["seed"]
    wrong = {}
    if not (math.isfinite(width) and 0 < width <= MOST_WIDTH):
        wrong["width"] = f"must be more than 0 and at most {MOST_WIDTH:g}"
    if not 0 <= seed <= MOST_SEED:
        wrong["seed"] = f"must be a whole number from 0 to {MOST_SEED:,}"
    if wrong:
        raise Refused(wrong)
    return {"width": float(width), "seed": int(seed)}


def _name(wish: dict[str, Any], dataset: Dataset | None) -> str:
    """`ResNet-20 for my-pictures`; a number is put behind it when the team has that already."""
    return f"{architectures.title(wish['architecture'])} for {dataset or shape_words(wish['in_shape'])}"[:LONGEST_NAME]


def _check_room(team: Team) -> None:
    if not room.left_bytes(team):
        raise Refused({"": "The team has no room for another model: delete something first."})
    if Upload.objects.filter(team=team, state=UploadState.CHECKING, size_bytes=0).count() >= MOST_WAITING:
        raise Refused({"": f"{MOST_WAITING} models of the team are being made already: wait until some are ready."})
