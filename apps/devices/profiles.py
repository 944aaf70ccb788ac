"""Profiles that people bring in files: what a file would make, made, and taken away again; and the newest of what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

from django.db import transaction
from django.db.models import QuerySet
from pydantic import ValidationError

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.devices import trail
from apps.devices.models import Device, Profile
from apps.devices.models.profiles import TRUST
from apps.devices.profiled_devices import Change, changes, is_hardware, kept
from worker.profile import NetworkProfile
from worker.profile.faults import Unfit
from worker.profile.reading import Brought, read
from worker.profile.writing import Written

MOST_PROFILES = 20_000  # of one team
LONGEST_NAME = 200
TRUSTED = ("measured", "emulated", "predicted")  # as `TRUST` has them
NOT_YOURS = "Your role in this team lets you look on; a member brings profiles."
NO_DEVICE = "The file does not say which device it is of: choose one."


class Faulty(Refused):
    """The file itself cannot be used; its faults say where and why."""

    def __init__(self, unfit: Unfit) -> None:
        super().__init__({"text": "\n".join(unfit.lines)})
        self.faults, self.more = unfit.faults, unfit.more


class Arrival(NamedTuple):
    """A network of the file beside what is kept: `new`, `newer` (it counts from now on), `beside` (what was measured counts on,
    before what was not), or `same` (nothing is made)."""

    written: Written
    state: str
    place: int

    @property
    def network(self) -> str:
        return self.written.profile.network

    @property
    def total_ms(self) -> float:
        return 1e3 * self.written.profile.total_s


@dataclass(frozen=True)
class Plan:
    """What a file would make. `device`: the one that is there, or None for one that is made; `changes`: of a device."""

    brought: Brought
    name: str
    device: Device | None
    changes: tuple[Change, ...]
    arrivals: tuple[Arrival, ...]

    @property
    def fresh(self) -> list[Arrival]:
        return [each for each in self.arrivals if each.state != "same"]

    @property
    def makes_nothing(self) -> bool:
        return self.device is not None and not self.changes and not self.fresh


def newest(team: Team | Any, device: Device | Any = None, network: str | None = None) -> QuerySet[Profile]:
    """Of each network on each device the profile that counts: the last of those measured, or of all where none was."""
    rows = Profile.objects.filter(team=team)
    rows = rows.filter(device=device) if device is not None else rows
    rows = rows.filter(network=network) if network is not None else rows
    last = rows.order_by("device_id", "network", TRUST, "-created", "-place", "pk").distinct("device_id", "network")
    return Profile.objects.filter(pk__in=last.values("pk")).select_related("device").order_by("device__name", "network", "pk")


def look(user: User, team: Team, data: bytes, file_name: str = "", chosen: Device | None = None) -> Plan:
    """What a file would make; nothing is kept. Raises `Refused`, or `Faulty` for the file itself."""
    if not teams.may_edit(user, team):
        raise Refused({"": NOT_YOURS})
    try:
        brought = read(data, file_name)
    except Unfit as unfit:
        raise Faulty(unfit) from None
    if chosen is None and brought.device is None:
        raise Refused({"device": NO_DEVICE})
    name = brought.device.name if brought.device else ""
    device = chosen or Device.objects.visible_to(user).filter(team=team, name=name).first()
    said = changes(user, team, device, brought) if is_hardware(brought) or device is None else ()
    return Plan(brought, device.name if device else name, device, said, _arrivals(team, device, brought.profiles, brought.form))


def bring(user: User, team: Team, data: bytes, file_name: str = "", chosen: Device | None = None) -> Plan:
    """Keep what a file holds: all of it, or nothing. Profiles that were there stay as history; the newest counts."""
    with trail.by(user), transaction.atomic():
        # One after the other, so that a form that is sent twice makes everything once.
        Team.objects.select_for_update(no_key=True).filter(pk=team.pk).first()
        plan = look(user, team, data, file_name, chosen)
        device = kept(user, team, plan.device, plan.brought, plan.changes)
        rows = _rows(team, device, plan, file_name)
        if rows and Profile.objects.filter(team=team).count() + len(rows) > MOST_PROFILES:
            raise Refused({"": f"A team keeps at most {MOST_PROFILES:,} profiles; delete some first."})
        trail.made(Profile.objects.bulk_create(rows))
    return Plan(plan.brought, device.name, device, plan.changes, plan.arrivals)


def remove(user: User, profile: Profile) -> None:
    """The one before it counts again, where there is one."""
    if not teams.may_edit(user, profile.team):
        raise Refused({"": NOT_YOURS})
    with trail.by(user), transaction.atomic():
        profile.delete()


def _arrivals(team: Team, device: Device | None, brought: Sequence[Written], form: str) -> tuple[Arrival, ...]:
    names = [each.profile.network for each in brought]
    rows = Profile.objects.filter(team=team, device=device, network__in=names).order_by("network", "origin", "-created", "-place")
    there: dict[str, dict[str, Profile]] = {name: {} for name in names}
    for row in rows.distinct("network", "origin") if device else ():
        there[row.network][row.origin] = row
    return tuple(Arrival(each, _state(there[each.profile.network], each, form), place) for place, each in enumerate(brought))


def _state(there: dict[str, Profile], now: Written, form: str) -> str:
    """`there`: of each kind of numbers the newest profile of the network."""
    origin, last = now.profile.origin, there.get(now.profile.origin)
    if last and last.form == form and (last.written or {}) == now.written and _is_of(last, now):
        return "same"
    if any(TRUSTED.index(other) < TRUSTED.index(origin) for other in there):
        return "beside"
    return "newer" if there else "new"


def _is_of(row: Profile, now: Written) -> bool:
    """Whether the numbers are the same; a row of before a field was thought of lacks it."""
    try:
        return NetworkProfile.model_validate(row.body) == now.profile
    except ValidationError:
        return False


def body_of(each: Written) -> dict[str, Any]:
    told: dict[str, Any] = each.profile.model_dump(mode="json")
    return told


def _rows(team: Team, device: Device, plan: Plan, file_name: str) -> list[Profile]:
    source, name = uuid4(), file_name[-LONGEST_NAME:]
    return [Profile(
        team=team, device=device, network=each.network, engine=told.engine, threads=told.threads, batch=told.batch,
        origin=told.origin, blocks=len(told.blocks), total_ms=each.total_ms, form=plan.brought.form, file_name=name,
        source=source, place=each.place, body=body_of(each.written), written=dict(each.written.written) or None)
        for each in plan.fresh for told in [each.written.profile]]
