"""The files of a variant that can be taken along, row by row: what it came with, and what was made of it on request."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from apps.accounts import teams
from apps.catalog import derived, structures
from apps.catalog.forms import SlicesForm
from apps.catalog.models import DerivedFile, Precision, Variant
from worker.structure import Structure

FOLDED = "ONNX, batch-norm folded"


class Row(NamedTuple):
    """One file; without an address it is on its way, or could not be made."""

    name: str
    note: str = ""
    address: str = ""
    size_bytes: int | None = None
    sha256: str = ""
    parity: float | None = None
    shapes: tuple[list[int], list[int]] | None = None
    waiting: bool = False
    why: str = ""
    derived: DerivedFile | None = None


def files_context(request: HttpRequest, variant: Variant, form: SlicesForm | None = None) -> dict[str, Any]:
    """What the card shows: the rows, and for those who may the forms for more."""
    known = structures.kept(variant)
    made = list(derived.of(variant))
    for each in made:
        derived.remind(each)
    may_make = variant.precision == Precision.FP32 and teams.may_edit(teams.person(request), variant.team)
    folded = next((each for each in made if each.kind == DerivedFile.Kind.FOLDED), None)
    return {"file_rows": [*_own(variant, known), *(row for each in made for row in _made(variant, each))],
            "making": any(each.is_waiting for each in made), "may_make": may_make,
            "asks_fold": may_make and folded is None and (known is None or _has_batchnorm(known)),
            "slices_form": form or slices_form(known) if may_make else None}


def slices_form(known: Structure | None, typed: Any = None) -> SlicesForm:
    """Where it can be cut, as far as that is known; the end of the network is no place."""
    return SlicesForm(typed, places=[cut.after for cut in known.cuts if cut.after != known.answer] if known else [])


def _own(variant: Variant, known: Structure | None) -> list[Row]:
    rows, shapes = [], (list(known.in_shape), list(known.out_shape)) if known else None
    if variant.precision == Precision.FP32:
        rows.append(Row("safetensors", "weights and architecture, nothing to run", reverse("variant-file", args=[variant.pk]),
                        variant.size_bytes, variant.file_id, shapes=shapes))
    if variant.onnx:
        parity = known.parity.max_relative if known and known.parity else None
        norms = "batch-norm as nodes of its own" if known and _has_batchnorm(known) else ""
        rows.append(Row("ONNX", norms if variant.precision == Precision.FP32 else variant.precision,
                        reverse("variant-onnx", args=[variant.pk]), variant.onnx.size_bytes, variant.onnx.sha256, parity, shapes))
    return rows


def _has_batchnorm(known: Structure) -> bool:
    return any(layer.op.startswith("BatchNorm") for layer in known.layers)


def _made(variant: Variant, made: DerivedFile) -> list[Row]:
    """The files of one wish; a wish that is not fulfilled is a row of its own."""
    name = FOLDED if made.kind == DerivedFile.Kind.FOLDED else f"slices behind {made.after}"
    if made.made is None:
        return [Row(name, waiting=made.is_waiting, why=made.why, derived=made)]
    return [_part(variant, made, part) for part in derived.parts(made)]


def _part(variant: Variant, made: DerivedFile, part: derived.Part) -> Row:
    about = part.about
    name = FOLDED if part.name == "folded" else f"ONNX {part.name} behind {made.after}"
    return Row(name, address=reverse("derived-file", args=[variant.pk, made.pk, part.name]), size_bytes=about.get("size_bytes"),
               sha256=part.blob_id, parity=about.get("parity", {}).get("max_relative"),
               shapes=(about.get("in_shape", []), about.get("out_shape", [])), derived=made)
