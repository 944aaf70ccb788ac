"""What devices are called: a number knows its device by the name, so no team sees two devices of one name.

A name that a device has given up is free again; what was measured under it then is whoever's has it now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import Team
from apps.devices.models import Device

MEET = ("{other} of team {team} is called {word} too, and some team sees both: a number knows its device by the name, so one of "
        "them needs another.")


def clash(devices: Sequence[Device]) -> str:
    """One sentence when one of them, as it would be kept, is called as another that some team sees beside it; else nothing."""
    words = {word for device in devices for word in called(device)}
    near = Q() if any(device.shared for device in devices) else Q(shared=True) | Q(team__in={each.team_id for each in devices})
    as_kept = {each.pk: each for each in (*_called(words).filter(near).select_related("team"), *devices)}
    of: dict[str, list[Device]] = {}
    for each in as_kept.values():
        for word in called(each):
            of.setdefault(word, []).append(each)
    pairs = ((word, device, other) for device in devices for word in sorted(called(device)) for other in of[word])
    found = next(((word, other) for word, device, other in pairs if _meet(device, other)), None)
    return MEET.format(word=found[0], other=found[1], team=found[1].team) if found else ""


def free(team: Team, wanted: str, host: str = "") -> str:
    """This name, with a number when a device has it that the team sees; two teams may both have one computer by its name."""
    seen = Device.objects.usable_by(team).filter(Q(name__startswith=wanted) | Q(host__startswith=wanted))
    rows = seen.exclude(~Q(team=team), host=host) if host else seen
    taken = {word for device in rows.only("name", "host") for word in called(device)}
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted} {number}", number + 1
    return name


def own(device: Device, team: Any) -> set[str]:
    """What numbers of this team call it: of the names that it has given up those that nobody has now."""
    given_up = device.names - called(device)
    others = _called(given_up).filter(Q(team=team) | Q(shared=True)).exclude(pk=device.pk) if given_up else ()
    return device.names - {word for other in others for word in called(other)} | called(device)


def called(device: Device) -> set[str]:
    """What it is called now: teams that share a worker's host know it by the host."""
    return {device.name, device.host} - {""}


def _called(words: Iterable[str]) -> QuerySet[Device]:
    return Device.objects.filter(Q(name__in=words) | Q(host__in=words), merged_into=None)


def _meet(device: Device, other: Device) -> bool:
    """Whether some team sees both; entries of one computer in several teams are one device."""
    is_one = device.pk == other.pk or bool(device.host and device.host == other.host)
    return not is_one and (device.shared or other.shared or device.team_id == other.team_id)
