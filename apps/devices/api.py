"""Devices: the list, one of them, its yardstick, and what an administrator may say about it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from ninja.errors import AuthorizationError
from pydantic import Field

from apps.accounts import teams
from apps.accounts.models import Team
from apps.accounts.wire import Asked, Listing, Page, Paging, Told, ordered, paged, team_of
from apps.devices import actions, drift, listing
from apps.devices.forms import MEGABYTE, MOST_CORES, MOST_MB
from apps.devices.models import Baseline, Device, Tier

router = Router(tags=["devices"])
State = Literal["online", "busy", "draining", "contact lost", "never seen", "retired"]
Label = Annotated[str, Field(max_length=60)]
LARGEST_MEMORY = MOST_MB * MEGABYTE


class DeviceOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    name: str
    tier: str
    hardware: str
    os: str
    cores: int | None
    memory_bytes: int | None
    accelerators: str
    runtimes: dict[str, Any] = Field(description="Versions of what runs networks there.")
    location: str
    labels: list[str]
    shared: bool = Field(description="Every team may run on it; only an operator of the portal changes it.")
    host: str
    queue: str
    state: State
    draining: bool
    busy: bool
    retired: bool
    health: dict[str, Any] = Field(description="What it said of itself last: governor, temperature_c, throttled, ...")
    last_seen: datetime | None
    created: datetime


class DeviceOneOut(DeviceOut):
    drift: float | None = Field(description="How much longer its own yardstick takes now than at first: 0.1 is 10 % slower.")


class DeviceChange(Asked):
    """What is left out stays as it is. What a device says of itself (os, cores, memory, accelerators) is refused for one
    that runs an agent or a worker."""

    name: str | None = Field(None, min_length=1, max_length=120)
    tier: Tier | None = None
    hardware: str | None = Field(None, max_length=200)
    location: str | None = Field(None, max_length=120)
    labels: list[Label] | None = Field(None, max_length=40)
    os: str | None = Field(None, max_length=120)
    cores: int | None = Field(None, ge=1, le=MOST_CORES)
    memory_bytes: int | None = Field(None, ge=1000, le=LARGEST_MEMORY)
    accelerators: str | None = Field(None, max_length=200)
    draining: bool | None = Field(None, description="Nothing new begins on it.")

    @property
    def given(self) -> dict[str, Any]:
        """What the form takes."""
        said = {name: value for name, value in self.model_dump(exclude={"team", "draining", "memory_bytes"}).items()
                if value is not None}
        return said | ({"memory_mb": Decimal(self.memory_bytes) / MEGABYTE} if self.memory_bytes else {})


class NewDevice(DeviceChange):
    """A device that runs no agent and no worker: others measure it, or its numbers are brought in files."""

    team: UUID | None = None
    name: str = Field(min_length=1, max_length=120)
    tier: Tier = Tier.DEVICE


class Devices(Listing):
    tier: Tier | None = None
    state: State | None = None
    label: str = Field("", max_length=60, description="Only those with this label.")
    whose: Literal["", "own", "shared"] = Field("", description="own: the team's own. shared: those of every team.")
    retired: bool | None = Field(None, description="Without it, and without a state, both.")
    order: str = Field("name", description="name, created, tier or last_seen; - before it for descending.")


class BaselineOut(Told):
    """One timing of the device's own yardstick, in milliseconds."""

    at: datetime
    median_ms: float
    low_ms: float | None
    high_ms: float | None
    noisy: bool


@router.get("/devices", response=Page[DeviceOut])
def list_devices(request: HttpRequest, asked: Annotated[Devices, Query()]) -> dict[str, Any]:
    """What the team can run on: its own devices and the shared ones."""
    team = team_of(request, asked.team)
    rows = listing.narrowed(listing.usable(teams.person(request), team), {
        "tier": asked.tier, "label": asked.label.lower(), "whose": asked.whose, "state": asked.state or listing.ANY}, team)
    rows = rows if asked.retired is None else rows.filter(retired=asked.retired)
    rows = rows.filter(name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(ordered(rows, asked.order, ("name", "created", "tier", "last_seen")), asked)


@router.post("/devices", response={201: DeviceOut})
def register_device(request: HttpRequest, asked: NewDevice) -> Status[Device]:
    """Register a device by hand: only an administrator of the team. A board with an agent registers itself."""
    team, user = team_of(request, asked.team), teams.person(request)
    _administers(request, team)
    made = actions.register(user, team, {"tier": Tier.DEVICE, **actions.typed(asked.given)})
    if asked.draining:
        actions.drain(user, made, on=True)
    return Status(201, Device.objects.get(pk=made.pk))


@router.get("/devices/{uuid:device}", response=DeviceOneOut)
def get_device(request: HttpRequest, device: UUID) -> Device:
    """One device, as it reported itself last."""
    found: Device = get_object_or_404(Device.objects.visible_to(teams.person(request)), pk=device)
    known = drift.drifts([found.pk]).get(found.pk)
    found.drift = known.change if known else None  # type: ignore[attr-defined]
    return found


@router.patch("/devices/{uuid:device}", response=DeviceOut)
def change_device(request: HttpRequest, device: UUID, asked: DeviceChange) -> Device:
    """What people say of it: only an administrator of the team."""
    found, user = _administered(request, device), teams.person(request)
    if asked.given:
        actions.change(user, found, asked.given)
    if asked.draining is not None:
        actions.drain(user, found, on=asked.draining)
    changed: Device = Device.objects.visible_to(user).get(pk=device)
    return changed


@router.post("/devices/{uuid:device}/retire", response=DeviceOut)
def retire_device(request: HttpRequest, device: UUID) -> Device:
    """Take it out of lists and choices; what was measured on it stays."""
    actions.retire(teams.person(request), _administered(request, device))
    return _administered(request, device)


@router.post("/devices/{uuid:device}/bring-back", response=DeviceOut)
def bring_back_device(request: HttpRequest, device: UUID) -> Device:
    """Undo a retirement."""
    actions.bring_back(teams.person(request), _administered(request, device))
    return _administered(request, device)


@router.get("/devices/{uuid:device}/baselines", response=Page[BaselineOut])
def list_baselines(request: HttpRequest, device: UUID, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
    """The device's own yardstick, newest first."""
    found = get_object_or_404(Device.objects.visible_to(teams.person(request)), pk=device)
    return paged(Baseline.objects.filter(device=found).order_by("-at"), asked)


def _administered(request: HttpRequest, device: UUID) -> Device:
    found: Device = get_object_or_404(Device.objects.administered_by(teams.person(request)), pk=device)
    return found


def _administers(request: HttpRequest, team: Team) -> None:
    if not teams.administers(teams.person(request), team):
        raise AuthorizationError(message="Your role in this team, or the token's, does not allow this.")
