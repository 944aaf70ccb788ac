"""Files made of a variant when somebody wants them: batch-norm folded away, or head and tail of a cut.

The desk makes them once; the next one who asks has them at once. Each is checked against ONNX Runtime before it is kept.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.refusal import Refused
from apps.catalog import room, structures
from apps.catalog.deskwork import MOST_ATTEMPTS, Fenced, Jobs
from apps.catalog.models import Blob, DerivedFile, Precision, Variant
from worker.structure import Structure

__all__ = ["MOST_ATTEMPTS", "Fenced", "Part", "ask", "claim", "give_up", "of", "parts", "release", "renew", "settle", "waiting",
           "wake", "yield_turn"]
MOST_CUTS = 20
MOST_CROSSING = 8
LONGEST_LAYER = 200
PATIENCE_S = 10.0
GIVEN_UP = "Making it failed three times without an answer; the worker's log tells why."
REDUCED = "A file of {precision} numbers is neither folded nor cut; take the fp32 network that it was made from."
FULL = "The team has {left} bytes left and this file may take {size}; delete something first."
jobs = Jobs(DerivedFile, "worker.tasks.derive", GIVEN_UP)
waiting, claim, renew, release, yield_turn, give_up = (
    jobs.waiting, jobs.claim, jobs.renew, jobs.release, jobs.yield_turn, jobs.give_up)


class Part(NamedTuple):
    """One file of what was made; `about` is what the desk told of it."""

    name: str
    blob_id: str
    about: dict[str, Any]


def of(variant: Variant) -> QuerySet[DerivedFile]:
    """What was asked for of a variant that was fetched by right, the newest first."""
    return DerivedFile.objects.filter(variant=variant)


def parts(derived: DerivedFile) -> list[Part]:
    """Its files by name, once they are made."""
    about = {each["part"]: each for each in derived.about.get("files", [])}
    names = ("folded",) if derived.kind == DerivedFile.Kind.FOLDED else ("head", "tail")
    held = zip(names, (derived.file_id, derived.tail_id), strict=False)
    return [Part(name, blob_id, about.get(name, {})) for name, blob_id in held if blob_id]


@transaction.atomic
def ask(user: User, variant: Variant, kind: str, after: str = "") -> DerivedFile:
    """Have it made, unless it is there or on its way. What failed is tried again: somebody asked anew."""
    held = Variant.objects.editable_by(user).select_for_update(of=("self",)).filter(pk=variant.pk).first()
    if held is None:
        raise Refused({"": "Your role in this team does not allow this."})
    after = _checked(held, kind, after)
    found: DerivedFile | None = of(held).filter(kind=kind, after=after).first()
    if found is None:
        _room_for(held)
        found = DerivedFile.objects.create(team_id=held.team_id, variant=held, kind=kind, after=after, asked=timezone.now())
        transaction.on_commit(wake)
    elif found.why:
        found.why, found.asked, found.attempts, found.lease_until = "", timezone.now(), 0, None
        found.save(update_fields=["why", "asked", "attempts", "lease_until"])
        transaction.on_commit(wake)
    return found


def remind(derived: DerivedFile) -> None:
    """Its message may be lost; one more does no harm."""
    late = timezone.now() - timedelta(seconds=PATIENCE_S)
    if derived.is_waiting and derived.lease_until is None and derived.asked < late:
        wake()


def wake() -> None:
    jobs.wake()


def _checked(variant: Variant, kind: str, after: str) -> str:
    """The layer of the cut; refused at once where it is known that there is none such."""
    if variant.precision != Precision.FP32:
        raise Refused({"": REDUCED.format(precision=variant.precision)})
    if kind == DerivedFile.Kind.FOLDED:
        if after:
            raise Refused({"after": "Only slices are cut behind a layer."})
        return ""
    if kind != DerivedFile.Kind.SLICES:
        raise Refused({"kind": f"must be folded or slices; got {kind[:40]!r}"})
    if not after or len(after) > LONGEST_LAYER or "\x00" in after:
        raise Refused({"after": "Say behind which layer the network is cut."})
    known = structures.kept(variant)
    if known is not None:
        _is_a_cut(known, after)
    return after


def _is_a_cut(known: Structure, after: str) -> None:
    if after not in {layer.name for layer in known.layers}:
        raise Refused({"after": f"The network has no layer {after[:100]!r}."})
    across = next((cut.tensors for cut in known.parted(MOST_CROSSING) if cut.after == after), None)
    if after == known.answer:
        raise Refused({"after": f"Behind {after} the network ends: its tail would be empty."})
    if across is None or len(across) > 1:
        told = f"{len(across)} results, {', '.join(across)}," if across else "no result, or more than eight,"
        raise Refused({"after": f"Behind {after} {told} go across; a slice takes one."})


def _room_for(variant: Variant) -> None:
    """A slice or a folded network is about as large as its network. Of many cuts the oldest make room: they can be made again."""
    size, left = variant.size_bytes, room.left_bytes(variant.team)
    if size > left:
        raise Refused({"": FULL.format(left=f"{left:,}", size=f"{size:,}")})
    cuts = of(variant).filter(kind=DerivedFile.Kind.SLICES).order_by("-asked").values_list("pk", flat=True)
    DerivedFile.objects.filter(pk__in=list(cuts[MOST_CUTS - 1:])).delete()


@transaction.atomic
def settle(job: DerivedFile, files: dict[str, Blob], about: dict[str, Any]) -> None:
    """It is made: its files by part, and what was found of them."""
    first = files.get("folded") or files["head"]
    done = {"file": first, "tail": files.get("tail"), "about": about, "made": timezone.now(), "lease_until": None}
    if not jobs.mine(job).update(**done):
        raise Fenced(str(job))
