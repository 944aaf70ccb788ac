"""Where a network can be parted, as its page tells it: behind which layer, what goes across, how much work lies before."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from django.http import HttpRequest

from worker.structure import FLOAT32_BYTES, Cut, Structure

MOST_ACROSS = 4
MOST_SHOWN = 200


class Place(NamedTuple):
    """A cut with what goes across against the sample itself, and which part of the work lies before it."""

    cut: Cut
    share: float | None
    of_sample: float | None


def asked(request: HttpRequest) -> int:
    """How many results may go across; one, unless the address asks for more."""
    text = request.GET.get("most", "")
    return int(text) if text in map(str, range(1, MOST_ACROSS + 1)) else 1


def place(known: Structure, cut: Cut) -> Place:
    sample = FLOAT32_BYTES * prod(known.in_shape)
    return Place(cut, cut.head_macs / known.macs if known.macs else None, cut.bytes / sample if sample else None)


def context(known: Structure, most: int) -> dict[str, Any]:
    """What the card shows. The end of the network is no place; of very many the first are shown, the API tells them all."""
    alone = [cut for cut in known.cuts if cut.after != known.answer]
    found = alone if most == 1 else [cut for cut in known.parted(most) if cut.after != known.answer]
    return {"cuts": alone, "most": most, "mosts": range(1, MOST_ACROSS + 1), "input_name": known.input.name,
            "places": [place(known, cut) for cut in found[:MOST_SHOWN]], "places_count": len(found)}
