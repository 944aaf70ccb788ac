"""The list of devices: filters that stand in the address, retired ones only where they are asked for."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.devices.models import STATES, Device, Tier
from apps.devices.models.device import Devices

LONGEST, ANY = 100, "any"
OWNERS = {"own": "the team's own", "shared": "shared by every team"}
MOST_LABELS = 200


def asked(request: HttpRequest) -> dict[str, str]:
    """What the address asks for."""
    given = {name: request.GET.get(name, "").replace("\x00", "").strip()[:LONGEST]
             for name in ("q", "tier", "state", "label", "whose")}
    return {**given, "label": given["label"].lower()}


def narrowed(rows: Devices, want: dict[str, Any], team: Team | None) -> Devices:
    """The rows as they are asked for; a value nobody knows finds nothing."""
    if text := want.get("q"):
        rows = rows.filter(Q(name__icontains=text) | Q(hardware__icontains=text) | Q(location__icontains=text))
    if tier := want.get("tier"):
        rows = rows.filter(tier=tier)
    if label := want.get("label"):
        rows = rows.filter(labels__contains=[label])
    if whose := want.get("whose"):
        rows = rows.filter(team=team) if whose == "own" else rows.filter(shared=True) if whose == "shared" else rows.none()
    if state := want.get("state"):
        return rows if state == ANY else rows.in_state(state)
    return rows.filter(retired=False)


def usable(user: User, team: Team | None) -> Devices:
    """What the team can run on, as this person sees it."""
    rows: Devices = Device.objects.visible_to(user).usable_by(team)
    return rows


def context(request: HttpRequest) -> dict[str, Any]:
    """What the filters above the list offer."""
    want = asked(request)
    mine = usable(teams.person(request), teams.current(request)).filter(retired=False)
    said = mine.exclude(labels=[]).order_by().values_list("labels", flat=True).distinct()[:MOST_LABELS]
    return {"asked": want, "is_filtered": any(want.values()), "tiers": list(Tier), "states": STATES, "owners": OWNERS,
            "labels": sorted({label for labels in said for label in labels})}
