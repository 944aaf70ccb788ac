"""Transfer layers that a network is offered by runs of the team, as a question to the planner takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from apps.plans.choosing import Candidate, Sight
from apps.plans.models import TransferOffer
from worker.planning.offers import MOST_LAYERS, Offer, OfferAsked
from worker.wording import figures


class Known(NamedTuple):
    """How many there are of a network, and what they cost in points of accuracy, the least and the most."""

    number: int
    least: str
    most: str


def newest(rows: Iterable[Any]) -> list[TransferOffer]:
    """The newest first; what a newer run offers of the same layer at the same cut takes the place of the older."""
    found: dict[tuple[Any, ...], TransferOffer] = {}
    for row in rows:
        found.setdefault((row.network, row.dataset, row.body["after"], row.body["layer"]), row)
    return list(found.values())


def offers(sight: Sight, network: str) -> list[TransferOffer]:
    """Of one network; of one layer at one cut the newest, whatever it was measured on."""
    rows = sight.offers.filter(network=network).select_related("device").order_by("-created", "place", "pk")[:MOST_LAYERS]
    found: dict[tuple[str, str], TransferOffer] = {}
    for row in newest(rows):
        found.setdefault((row.body["after"], row.body["layer"]), row)
    return list(found.values())


def asked(sight: Sight, network: str, places: Sequence[Candidate]) -> tuple[OfferAsked, ...]:
    """As the network and its devices are called now, with what the network takes where the times were measured."""
    rows, here = offers(sight, network), {each.pk: each for each in places}
    away = {row.device_id for row in rows if row.device_id and row.device_id not in here}
    totals = {} if not away else dict(sight.profiles.filter(network=network, device__in=away).order_by("created").values_list(
        "device", "total_ms"))
    found = []
    for row in rows:
        device = here.get(row.device_id) if row.device_id else None
        name = device.name if device else row.device.name if row.device else row.body["device"]
        total_ms = device.total_ms if device else totals.get(row.device_id) if row.device_id else None
        found.append(OfferAsked(offer=told(row, name), reference_s=None if total_ms is None else total_ms / 1e3))
    return tuple(found)


def told(row: TransferOffer, device: str) -> Offer:
    return Offer.model_validate({**row.body, "network": row.network, "device": device})


def known(sight: Sight, network: str) -> Known | None:
    """Nothing where none is offered."""
    drops = sorted(100 * Offer.model_validate(row.body).drop for row in offers(sight, network)) if network else []
    return Known(len(drops), figures(round(drops[0], 6)), figures(round(drops[-1], 6))) if drops else None
