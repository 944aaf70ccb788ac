"""Devices: the list, one of them, and what an administrator may say about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.accounts.wire import Asked, Listing, Page, Told, ordered, paged, team_of
from apps.devices.forms import DeviceForm
from apps.devices.models import Device, Tier

router = Router(tags=["devices"])


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
    location: str
    host: str
    state: str = Field(description="online, contact lost, never seen or retired.")
    last_seen: datetime | None
    created: datetime


class DeviceChange(Asked):
    """What is left out stays as it is."""

    name: str | None = Field(None, min_length=1, max_length=120)
    tier: Tier | None = None
    hardware: str | None = Field(None, max_length=200)
    location: str | None = Field(None, max_length=120)


class Devices(Listing):
    tier: Tier | None = None
    retired: bool | None = None
    order: str = Field("name", description="name, created, tier or last_seen; - before it for descending.")


@router.get("/devices", response=Page[DeviceOut])
def list_devices(request: HttpRequest, asked: Annotated[Devices, Query()]) -> dict[str, Any]:
    """The team's devices."""
    rows = Device.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team))
    exact = {"tier": asked.tier, "retired": asked.retired}
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    rows = rows.filter(name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(ordered(rows, asked.order, ("name", "created", "tier", "last_seen")), asked)


@router.get("/devices/{uuid:device}", response=DeviceOut)
def get_device(request: HttpRequest, device: UUID) -> Device:
    """One device, as it reported itself last."""
    found: Device = get_object_or_404(Device.objects.visible_to(teams.person(request)), pk=device)
    return found


@router.patch("/devices/{uuid:device}", response=DeviceOut)
def change_device(request: HttpRequest, device: UUID, asked: DeviceChange) -> Device:
    """Name, tier, hardware and place: only an administrator of the team."""
    found: Device = get_object_or_404(Device.objects.administered_by(teams.person(request)), pk=device)
    given = {name: value for name, value in asked.model_dump().items() if value is not None}
    form = DeviceForm({**{name: getattr(found, name) for name in DeviceForm.Meta.fields}, **given}, instance=found)
    if not form.is_valid():
        raise Refused({field: " ".join(map(str, texts)) for field, texts in form.errors.items()})
    form.save(commit=False).save(update_fields=DeviceForm.Meta.fields)
    return found
