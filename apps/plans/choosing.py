"""What may be planned on: the networks that devices have profiles of, the devices, and which profile speaks for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from apps.accounts.models import Team, User
from apps.devices.models import Device, Link, Profile, Tier
from apps.devices.side_by_side import Known, speaking
from apps.plans.models import TransferOffer

TIERS = tuple(map(str, Tier))
MOST_NETWORKS, MOST_DEVICES, MOST_KNOWN = 200, 500, 5_000


class Sight(NamedTuple):
    """What is looked at: all that a person sees of a team's, or all that the team itself has."""

    devices: QuerySet[Any]
    profiles: QuerySet[Any]
    links: QuerySet[Any]
    offers: QuerySet[Any]


def of_person(user: User, team: Team) -> Sight:
    """What this person sees of what the team may run on, and has."""
    return Sight(Device.objects.visible_to(user).usable_by(team), Profile.objects.visible_to(user).filter(team=team),
                 Link.objects.visible_to(user).filter(team=team), TransferOffer.objects.visible_to(user).filter(team=team))


def of_team(team: Any) -> Sight:
    """The same when nobody looks: whether a kept plan still holds is asked for by no person."""
    return Sight(Device.objects.usable_by(team), Profile.objects.filter(team=team), Link.objects.filter(team=team),
                 TransferOffer.objects.filter(team=team))


class NetworkKnown(NamedTuple):
    """A network, and on how many devices it is known; of them so many measured it."""

    name: str
    devices: int
    measured: int
    predicted: int
    emulated: int

    @property
    def said(self) -> str:
        """`3 devices`, and how many of them only have numbers that were not measured."""
        others = [f"{count} {word}" for word, count in (("predicted", self.predicted), ("emulated", self.emulated)) if count]
        many = f"{self.devices} device{'' if self.devices == 1 else 's'}"
        return f"{many} ({', '.join([f'{self.measured} measured', *others])})" if others else many


@dataclass(frozen=True)
class Candidate:
    """A device with the profile that speaks for it. `name`: its own among the candidates; `away`: why no plan may use it now."""

    device: Device
    name: str
    profile: UUID
    origin: str
    noisy: bool
    engine: str
    threads: int | None
    batch: int | None
    total_ms: float
    created: datetime
    away: str = ""

    @property
    def pk(self) -> UUID:
        return UUID(str(self.device.pk))

    @property
    def tier(self) -> int:
        return TIERS.index(self.device.tier)


def networks(user: User, team: Team, search: str = "") -> list[NetworkKnown]:
    """The networks that a device which can be used has a profile of, the commonest first."""
    sight = of_person(user, team)
    rows = sight.profiles.filter(device__in=sight.devices.filter(retired=False, draining=False).order_by().values("pk"))
    rows = rows.filter(network__icontains=search) if search else rows
    by_origin = {origin: Count("device", distinct=True, filter=Q(origin=origin))
                 for origin in ("measured", "predicted", "emulated")}
    counted = rows.order_by().values("network").annotate(on=Count("device", distinct=True), **by_origin)
    return [NetworkKnown(row["network"], row["on"], row["measured"], row["predicted"], row["emulated"])
            for row in counted.order_by("-on", "network")[:MOST_NETWORKS]]


def candidates(user: User, team: Team, network: str, devices: Sequence[UUID] = ()) -> list[Candidate]:
    """Devices with a profile of the network, by tier and then as named; those named alone where some are. Two queries."""
    return found(of_person(user, team), network, devices)


def found(sight: Sight, network: str, devices: Sequence[UUID] = ()) -> list[Candidate]:
    """The same of any sight. Retired ones only where they are named; `away` says it of them."""
    if not network:
        return []
    mine = list(_known(sight, network, devices)[:MOST_KNOWN])
    rows = sight.devices.filter(pk__in={row["device"] for row in mine})
    rows = rows if devices else rows.filter(retired=False)
    place = {pk: at for at, pk in enumerate(devices)}
    order = sorted(rows.order_by("name", "pk")[:MOST_DEVICES],
                   key=lambda device: (TIERS.index(device.tier), place.get(device.pk, len(place))))
    names = unique(order)
    by_pk = {row["pk"]: row for row in mine}
    newest = sorted(mine, key=lambda row: row["created"], reverse=True)
    known = [Known(row["pk"], row["device"], row["origin"], (row["engine"], row["threads"], row["batch"], row["hash"]))
             for row in newest]
    usable = [device.pk for device in order if not away(device)]
    # Those that may run speak first, so that the others are held like them and not they like the others.
    spoken = {each.device: each for each in speaking(known, usable + [device.pk for device in order if away(device)])}
    return [as_candidate(device, names[device.pk], by_pk[spoken[device.pk].pk]) for device in order if device.pk in spoken]


def _known(sight: Sight, network: str, devices: Sequence[UUID]) -> Any:
    """The newest profile of each kind on each device, without its blocks."""
    rows = sight.profiles.filter(network=network)
    rows = rows.filter(device__in=devices) if devices else rows
    kinds = ("device", "origin", "engine", "threads", "batch", "hash")
    told = rows.annotate(hash=KeyTextTransform("sha256", "body"), noise=KeyTextTransform("noisy", "body"))
    last = told.order_by(*kinds, "-created", "-place", "pk").distinct(*kinds)
    return last.values("pk", *kinds, "noise", "total_ms", "created", "place")


def as_candidate(device: Device, name: str, row: dict[str, Any]) -> Candidate:
    told = {field: row[field] for field in ("origin", "engine", "threads", "batch", "total_ms", "created")}
    return Candidate(device, name, row["pk"], noisy=row["noise"] == "true", away=away(device), **told)


def away(device: Device) -> str:
    return "retired" if device.retired else "draining" if device.draining else ""


def unique(devices: Sequence[Device]) -> dict[UUID, str]:
    """A shared device may be called as one of the team's own is."""
    seen: dict[str, int] = {}
    names = {}
    for device in devices:
        seen[device.name] = seen.get(device.name, 0) + 1
        names[device.pk] = device.name if seen[device.name] == 1 else f"{device.name[:110]} ({seen[device.name]})"
    return names
