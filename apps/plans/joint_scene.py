"""What joint plans may be made of: networks that devices have block times of, how accurate they are, what is offered for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone

from apps.accounts.models import Team, User
from apps.devices.models import Device
from apps.devices.side_by_side import Known, speaking
from apps.plans.choosing import MOST_DEVICES, MOST_KNOWN, TIERS, Candidate, as_candidate, away, of_person, of_team, unique
from apps.plans.joint_accuracies import Accuracy, Profiled, accuracies, offers
from apps.plans.questions import Lane, Way
from worker.planning import joint_example
from worker.planning.offers import Offer, OfferAsked

NO_TIMES = "no block times of these variants"
KINDS = ("network", "device", "origin", "engine", "threads", "batch", "hash")


class Speaker(NamedTuple):
    """The profile that speaks for a network on a device: its key, and the sum of its blocks."""

    key: str
    total_s: float


@dataclass(frozen=True)
class Scene:
    """devices: each once, with the first network's profile. speakers: by network and device. accuracies: by data set.

    `lanes`: what the team keeps of each direction, with its origin. `offered`: with the times of which devices they are.
    """

    devices: tuple[Candidate, ...]
    speakers: Mapping[str, Mapping[UUID, Speaker]]
    accuracies: Mapping[str, Mapping[str, Accuracy]]
    offered: tuple[OfferAsked, ...]
    lanes: Mapping[Way, tuple[Lane, str]]
    is_example: bool = False

    @property
    def networks(self) -> list[str]:
        return sorted(self.speakers)

    @property
    def datasets(self) -> list[str]:
        """The one that says most first: on how many networks, then of how many transfer layers."""
        many = {name: (len([each for each in of if each in self.speakers]), self._layers(name))
                for name, of in self.accuracies.items()}
        return sorted((name for name in many if many[name][0]), key=lambda name: (-many[name][0], -many[name][1], name))

    def _layers(self, dataset: str) -> int:
        return sum(each.offer.dataset == dataset for each in self.offered)


def scene(user: User | None, team: Team) -> Scene:
    """Six queries, whatever there is. Without a person what the team itself has: so kept plans are looked at."""
    sight = of_person(user, team) if user else of_team(team)
    rows = list(_profiles(sight.profiles))
    devices = sight.devices.filter(pk__in={row["device"] for row in rows}, retired=False)
    order = sorted(devices.order_by("name", "pk")[:MOST_DEVICES], key=lambda device: TIERS.index(device.tier))
    names, spoken = unique(order), _spoken(rows, order)
    first = {device: row for rows in reversed(list(spoken.values())) for device, row in rows.items()}
    offered = offers(sight)
    known = accuracies(user, team, [Profiled(row["network"], row["variant"], row["hash"] or "") for row in rows], offered)
    speakers = {network: {device: Speaker(str(row["pk"]), row["total_ms"] / 1e3) for device, row in of.items()}
                for network, of in spoken.items()}
    links = sight.links.filter(source__in=order, target__in=order).order_by("source", "target")
    lanes = {(source, target): (Lane(latency, bandwidth), origin) for source, target, latency, bandwidth, origin in
             links.values_list("source", "target", "latency_ms", "bandwidth_mbps", "origin")}
    asked = tuple(_offered(row.body, row.network, row.device_id, names, speakers) for row in offered)
    mine = tuple(as_candidate(device, names[device.pk], first[device.pk]) for device in order if device.pk in first)
    return Scene(mine, speakers, known, asked, lanes)


def _profiles(profiles: Any) -> Any:
    """The newest of each kind of each network on each device, without its blocks; the newest first."""
    told = profiles.annotate(hash=KeyTextTransform("sha256", "body"), noise=KeyTextTransform("noisy", "body"))
    last = told.order_by(*KINDS, "-created", "-place", "pk").distinct(*KINDS)
    return last.values("pk", *KINDS, "noise", "total_ms", "created", "place", "variant")[:MOST_KNOWN]


def _spoken(rows: Sequence[dict[str, Any]], order: Sequence[Device]) -> dict[str, dict[UUID, dict[str, Any]]]:
    """By network, of each device the row that speaks for it; who may run speaks first."""
    usable = [device.pk for device in order if not away(device)] + [device.pk for device in order if away(device)]
    by_pk = {row["pk"]: row for row in rows}
    of_network: dict[str, list[Known]] = {}
    for row in sorted(rows, key=lambda row: row["created"], reverse=True):
        of_network.setdefault(row["network"], []).append(
            Known(row["pk"], row["device"], row["origin"], (row["engine"], row["threads"], row["batch"], row["hash"])))
    found = {network: {each.device: by_pk[each.pk] for each in speaking(known, usable)}
             for network, known in sorted(of_network.items())}
    return {network: of for network, of in found.items() if of}


def _offered(body: dict[str, Any], network: str, device: UUID | None, names: Mapping[UUID, str],
             speakers: Mapping[str, Mapping[UUID, Speaker]]) -> OfferAsked:
    """As the network and the device are called now; with what the network takes where its times were measured."""
    told = Offer.model_validate({**body, "network": network})
    if device is None or device not in names:
        return OfferAsked(offer=told)
    there = speakers.get(network, {}).get(device)
    return OfferAsked(offer=told.model_copy(update={"device": names[device]}), reference_s=there.total_s if there else None)


def suited(found: Scene, networks: Sequence[str], dataset: str) -> Scene:
    """Devices that know none of the planned networks stand aside; of a tier who knows most of them holds the input."""
    known = found.accuracies.get(dataset or next(iter(found.datasets), ""), {})
    planned = [name for name in networks or found.networks if name in known and name in found.speakers]
    many = {each.pk: sum(each.pk in found.speakers[name] for name in planned) for each in found.devices}
    devices = [replace(each, away=each.away or NO_TIMES) if planned and not many[each.pk] else each for each in found.devices]
    return replace(found, devices=tuple(sorted(devices, key=lambda each: (each.tier, bool(each.away), -many[each.pk]))))


@cache
def example() -> Scene:
    """The made-up machines and networks, as if they were somebody's."""
    made = {machine.name: uuid5(NAMESPACE_URL, f"edgeportal/{machine.name}") for machine in joint_example.MACHINES}
    profiles = joint_example.profiles()
    speakers = {network: {made[each.name]: Speaker(joint_example.key(network, each.name),
                                                   profiles[joint_example.key(network, each.name)].total_s)
                          for each in joint_example.MACHINES} for network in joint_example.networks()}
    first = joint_example.networks()[0]
    devices = tuple(Candidate(Device(pk=made[each.name], name=each.name, tier=TIERS[each.tier]), each.name, made[each.name],
                              "emulated", False, "made up", 1, 1, 1e3 * speakers[first][made[each.name]].total_s, timezone.now())
                    for each in joint_example.MACHINES)
    lanes = {(made[a], made[b]): (Lane(ms, mbps), "emulated") for (one, other), (ms, mbps) in joint_example.LINKS.items()
             for a, b in ((one, other), (other, one))}
    known = {name: Accuracy(value, joint_example.N, made[joint_example.MACHINES[0].name])
             for name, value in joint_example.accuracies().items()}
    return Scene(devices, speakers, {joint_example.DATASET: known},
                 tuple(OfferAsked(offer=each) for each in joint_example.offers()), lanes, is_example=True)
