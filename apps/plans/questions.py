"""The question that what a person wants becomes: places with the profiles that speak, links as they are or as they are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from pydantic import ValidationError

from apps.accounts.refusal import Refused
from apps.plans import layers
from apps.plans.choosing import TIERS, Candidate, Sight, found
from apps.plans.wanted import MB, NOBODY, RangeWanted, Wanted
from worker.planning import Question
from worker.planning.question import MOST_DEVICES, Place, Range, Road

Way = tuple[UUID, UUID]
NO_DEVICE = "No device that can be used has block times of {network}: profile one, or bring a file."
# A field of the question by the field of what was wanted that it was made of.
FIELDS = {"places": "devices", "roads": "links", "input_bytes": "input_mb", "most_drop": "max_drop", "sender": "source",
          "receiver": "target"}


class Lane(NamedTuple):
    """One direction as it counts: the team's numbers, or those that are tried in their place."""

    latency_ms: float
    bandwidth_mbps: float
    tried: bool = False


@dataclass(frozen=True)
class Prepared:
    """A question with what it was made of. `left_out`: devices that were named and cannot be used, each in a sentence."""

    question: Question
    places: tuple[Candidate, ...]
    lanes: Mapping[Way, Lane]
    left_out: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, UUID]:
        return {each.name: each.pk for each in self.places}


def prepared(sight: Sight, wanted: Wanted, known: Sequence[Candidate] | None = None) -> Prepared:
    """Three queries, whatever is asked, and two where transfer layers may be used; Refused says which field cannot be.

    `known`: all of the network, if found before.
    """
    if known is None or wanted.devices:
        known = found(sight, wanted.network, wanted.devices)
    places, left_out = _places(sight, wanted, known)
    lanes = lanes_between(sight, wanted, [each.pk for each in places])
    names = {each.pk: each.name for each in places}
    ranged = _range(wanted.range, names) if wanted.range else None
    try:
        question = Question(
            network=wanted.network, rules=wanted.rules, objective=wanted.objective, count=wanted.count, returns=wanted.returns,
            places=tuple(Place(device=each.name, tier=each.tier, profile=str(each.profile)) for each in places),
            roads=tuple(Road(sender=names[sender], receiver=names[receiver], latency_ms=lane.latency_ms,
                             bandwidth_mbps=lane.bandwidth_mbps) for (sender, receiver), lane in lanes.items()),
            input_bytes=None if wanted.input_mb is None else round(wanted.input_mb * MB), range=ranged, pareto=wanted.pareto,
            offers=() if wanted.max_drop is None else layers.asked(sight, wanted.network, places),
            most_drop=None if wanted.max_drop is None else wanted.max_drop / 100)
    except ValidationError:
        raise Refused({"devices": "One of these devices has a name, or a link, that no plan can be made with."}) from None
    return Prepared(question, tuple(places), lanes, tuple(left_out))


def _places(sight: Sight, wanted: Wanted, known: Sequence[Candidate]) -> tuple[list[Candidate], list[str]]:
    here = [each for each in known if not each.away]
    absent = _absent(sight, wanted, known) if wanted.devices else []
    if not here:
        raise Refused({"devices" if wanted.devices else "network": NO_DEVICE.format(network=wanted.network)})
    if absent and min(absent)[:2] < (here[0].tier, wanted.devices.index(here[0].pk)):
        raise Refused({"devices": f"{min(absent)[2]}; the input is there. Choose a device that can take its place."})
    left_out = [f"{text}: no plan uses it." for _, _, text in sorted(absent)]
    if len(here) > MOST_DEVICES:
        left_out.append(f"Only the first {MOST_DEVICES} of {len(here)} devices are planned with; name those that shall be.")
    return here[:MOST_DEVICES], left_out


def _absent(sight: Sight, wanted: Wanted, known: Sequence[Candidate]) -> list[tuple[int, int, str]]:
    """Devices that were named in vain: tier, place, and why. Refused where one is no device of the team at all."""
    place = {pk: at for at, pk in enumerate(wanted.devices)}
    told = [(each.tier, place[each.pk], f"{each.name} is {each.away}") for each in known if each.away]
    missing = place.keys() - {each.pk for each in known}
    rows = {row[0]: row[1:] for row in sight.devices.filter(pk__in=missing).values_list("pk", "name", "tier")} if missing else {}
    strange = {f"devices.{place[pk]}": NOBODY for pk in missing if pk not in rows}
    if strange:
        raise Refused(strange)
    return told + [(TIERS.index(tier), place[pk], f"{name} has no block times of {wanted.network}")
                   for pk, (name, tier) in rows.items()]


def lanes_between(sight: Sight, wanted: Wanted, places: Sequence[UUID]) -> dict[Way, Lane]:
    """Between these devices; a direction of which nothing is known is no link, whatever is known of the other."""
    rows = sight.links.filter(source__in=places, target__in=places).order_by("source", "target")
    lanes: dict[Way, Lane] = {(source, target): Lane(latency, bandwidth) for source, target, latency, bandwidth in
                              rows.values_list("source", "target", "latency_ms", "bandwidth_mbps")}
    for each in wanted.links:
        if each.source in places and each.target in places:
            lanes[each.source, each.target] = Lane(each.latency_ms, each.bandwidth_mbps, tried=True)
    return lanes


def _range(asked: RangeWanted, names: Mapping[UUID, str]) -> Range:
    ends = {"sender": asked.source, "receiver": asked.target}
    words = {"sender": "range.source", "receiver": "range.target"}
    strange = {words[end]: "No plan uses this device." for end, pk in ends.items() if pk and pk not in names}
    if strange:
        raise Refused(strange)
    told = {end: names[pk] for end, pk in ends.items() if pk}
    return Range(varying=asked.varying, low=asked.low, high=asked.high, **told)


def as_wanted(errors: Mapping[str, str]) -> dict[str, str]:
    """What the planner says of the question, said of the fields that were filled in."""
    told: dict[str, str] = {}
    for field, text in errors.items():
        told.setdefault(".".join(FIELDS.get(part, part) for part in field.split(".")), text)
    return told
