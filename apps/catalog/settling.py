"""What an inspection found becomes rows: a new model with its first variant, one variant more, or a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from apps.accounts.refusal import Refused
from apps.catalog import blobs, checking
from apps.catalog.models import UNTRAINED, Blob, Dataset, RegisteredModel, Upload, Variant, shape_words
from apps.catalog.wishes import stem

MOST_SAME = 1000


class Kept(NamedTuple):
    """The files of what was found, as blobs."""

    file: Blob
    onnx: Blob | None = None
    structure: Blob | None = None
    samples: Blob | None = None


def keep(found: dict[str, Any], folder: Path) -> Kept:
    """Put the files in the store; no transaction is open meanwhile, large files take seconds."""
    beside = {name: blobs.keep(folder / found[name]) for name in ("onnx", "structure", "samples") if found.get(name)}
    return Kept(blobs.keep(folder / found["file"]), **beside)


@transaction.atomic
def settle(upload: Upload, found: dict[str, Any], kept: Kept, sha256: str) -> dict[str, Any]:
    """The rows, and the upload `ready`, in one transaction. Refused when the model takes other images or classes."""
    made = _model(upload, found, kept) if found["kind"] == "model" else {"dataset": _data(upload, found, kept)}
    findings = {name: found[name] for name in ("parity", "notes") if found.get(name)}
    checking.ready(upload, sha256, findings, **made)
    return made


def _model(upload: Upload, found: dict[str, Any], kept: Kept) -> dict[str, Any]:
    model = _existing(upload, found) if upload.options.get("model") else _new(upload, found)
    variant = Variant.objects.create(
        team_id=upload.team_id, model=model, name=_variant_name(upload), file=kept.file, onnx=kept.onnx,
        structure=kept.structure, notes=found["notes"], **found["facts"])
    return {"model": model, "variant": variant}


def _variant_name(upload: Upload) -> str:
    """The name that was wished for names the model, where it brings a new one; else the variant."""
    if upload.is_fresh:
        return UNTRAINED
    wished = upload.options.get("name") if upload.options.get("model") else ""
    return str(wished or stem(upload.file_name))[:120]


def _existing(upload: Upload, found: dict[str, Any]) -> RegisteredModel:
    mine = RegisteredModel.objects.select_for_update().filter(team_id=upload.team_id)
    model: RegisteredModel | None = mine.filter(pk=UUID(upload.options["model"])).first()
    if model is None:
        raise Refused({"model": "The model that this should be a variant of is gone; choose another, or none for a new one."})
    if list(model.in_shape) != list(found["in_shape"]):
        raise Refused({"model": f"{model} takes {shape_words(model.in_shape)} samples; this network takes "
                                f"{shape_words(found['in_shape'])}."})
    if model.classes != found["classes"]:
        raise Refused({"model": f"{model} tells {model.classes} classes apart; this network tells {found['classes']} apart."})
    return model


def _new(upload: Upload, found: dict[str, Any]) -> RegisteredModel:
    name = _free_name(RegisteredModel.objects.filter(team_id=upload.team_id), upload)
    return RegisteredModel.objects.create(team_id=upload.team_id, name=name, in_shape=found["in_shape"],
                                          classes=found["classes"], description=upload.options.get("description", ""))


def _data(upload: Upload, found: dict[str, Any], kept: Kept) -> Dataset:
    """Images with labels, or recorded detections, which have neither."""
    name = _free_name(Dataset.objects.filter(team_id=upload.team_id), upload)
    held = {"in_shape": [], "classes": 0, "recorded": found["recorded"]} if found["kind"] == "recordings" else {
        field: found[field] for field in ("in_shape", "classes", "labels", "counts")}
    return Dataset.objects.create(
        team_id=upload.team_id, name=name, description=upload.options.get("description", ""), file=kept.file,
        samples=kept.samples, notes=found["notes"], **held)


def _free_name(rows: Any, upload: Upload) -> str:
    """The name that was wished for, or the file's; with a number behind it when the team has that already."""
    wished = str(upload.options.get("name") or stem(upload.file_name))[:110]
    taken = set(rows.filter(name__startswith=wished).values_list("name", flat=True)[:MOST_SAME])
    numbered = (f"{wished} ({number})" for number in range(2, MOST_SAME + 3))
    return wished if wished not in taken else next(name for name in numbered if name not in taken)
