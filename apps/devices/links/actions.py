"""What a person does with links: say one there and back, take many in from a file, remove one."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.devices import trail
from apps.devices.links.network import LARGEST, read_network
from apps.devices.listing import usable
from apps.devices.models import Device, Link, Origin
from worker.profile.faults import Unfit

NUMBERS = ("latency_ms", "bandwidth_mbps", "origin", "at")
READ_ONLY = "Your role in this team, or the token's, only looks on."


class Numbers(NamedTuple):
    """One direction."""

    latency_ms: float
    bandwidth_mbps: float


def connect(user: User, team: Team, source: Device, target: Device, there: Numbers, back: Numbers, origin: str) -> list[Link]:
    """Both directions between two devices; what was known of them before is replaced."""
    if source.pk == target.pk:
        raise Refused({"target": "Choose another device than the one it begins at."})
    rows = [Link(team=team, source=source, target=target, **there._asdict(), origin=origin),
            Link(team=team, source=target, target=source, **back._asdict(), origin=origin)]
    return _keep(user, team, rows)


def take_in(user: User, team: Team, text: str, origin: str = Origin.MEASURED) -> list[Link]:
    """Every line of a network file, or none; the devices are known by their names."""
    if len(text.encode("utf-8", "replace")) > LARGEST:
        raise Refused({"file": f"A network file has at most {LARGEST:,} bytes."})
    named = by_name(user, team)
    try:
        lines = read_network(text, named)
    except Unfit as unfit:
        raise Refused({"file": "\n".join(unfit.lines)}) from None
    return _keep(user, team, [Link(team=team, source=named[line.source], target=named[line.target], latency_ms=line.latency_ms,
                                   bandwidth_mbps=line.bandwidth_mbps, origin=origin) for line in lines])


def remove(user: User, link: Link) -> None:
    """One direction."""
    _may(user, link.team)
    with trail.by(user):
        link.delete()


def by_name(user: User, team: Team) -> dict[str, Device]:
    """What the team can link; where a shared device has the name of an own one, the own one is meant."""
    rows = list(usable(user, team).filter(retired=False).order_by("name")[:20_000])
    return {device.name: device for device in sorted(rows, key=lambda device: device.team_id == team.pk)}


def _keep(user: User, team: Team, rows: Sequence[Link]) -> list[Link]:
    """Make or replace them, all in one transaction and a few statements, however many they are."""
    _may(user, team)
    with trail.by(user), transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)
        known = {(link.source_id, link.target_id): link for link in _between(team, rows)}
        new = [row for row in rows if (row.source_id, row.target_id) not in known]
        Link.objects.bulk_create(new)
        trail.made(new)
        old = [known[row.source_id, row.target_id] for row in rows if (row.source_id, row.target_id) in known]
        said = {(row.source_id, row.target_id): row for row in rows}
        trail.change_all([_as_said(link, said[link.source_id, link.target_id]) for link in old], NUMBERS, old)
    return list(_between(team, rows))


def _between(team: Team, rows: Iterable[Link]) -> Any:
    """The kept links whose two ends are among those of these rows."""
    rows = list(rows)
    ends: set[UUID] = {row.source_id for row in rows} | {row.target_id for row in rows}
    return Link.objects.filter(team=team, source__in=ends, target__in=ends).select_related("source", "target")


def _as_said(link: Link, said: Link) -> Link:
    changed = copy.copy(link)
    changed.latency_ms, changed.bandwidth_mbps, changed.origin = said.latency_ms, said.bandwidth_mbps, said.origin
    changed.at = timezone.now()
    return changed


def _may(user: User, team: Team) -> None:
    if not teams.may_edit(user, team):
        raise Refused({"": READ_ONLY})
