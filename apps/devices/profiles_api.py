"""Profiles: the list, one with its blocks, bringing a file, taking one away, and every file to download."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.accounts.wire import Asked, Listing, OfTeam, Page, Told, editable_team, ordered, paged, team_of
from apps.devices import profile_files, profiles
from apps.devices.models import Device, Profile
from worker.profile import NetworkProfile
from worker.profile.text import MOST_FILE_BYTES

router = Router(tags=["profiles"])
Form = Literal["json", "yaml", "csv", "scission", "scissiontl"]
# What a file's route answers with: one of these kinds.
FILE: dict[str, Any] = {"responses": {200: {"description": "The file.", "content": {
    kind.partition(";")[0]: {"schema": {"type": "string" if name == "csv" else "object"}}
    for name, kind in profile_files.TYPES.items()}}}}
ORDERS = ("created", "network", "total_ms")


class ProfileOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    device: UUID = Field(validation_alias="device_id")
    network: str
    variant: UUID | None
    made_by: UUID | None = Field(description="The run that measured it; nothing for one that came in a file.")
    engine: str
    threads: int | None
    batch: int | None
    origin: str = Field(description="measured, predicted or emulated.")
    blocks: int
    total_ms: float = Field(description="The sum of its blocks.")
    form: str = Field(description="The form it came in: house, scission or scissiontl.")
    file_name: str
    created: datetime


class WholeProfileOut(ProfileOut):
    body: NetworkProfile


class Profiles(Listing):
    """`q`: only networks whose name holds this text."""

    device: UUID | None = None
    network: str = Field("", max_length=120, description="Only of this network.")
    history: bool = Field(False, description="Those too that a newer one of the same device and network has replaced.")
    order: str = Field("-created", description="created, network or total_ms; - before it for descending.")


class Bringing(Asked):
    """A file as text, in any form that is read."""

    text: str = Field(max_length=MOST_FILE_BYTES, description="JSON, YAML or CSV, at most 1 MB.")
    file_name: str = Field("", max_length=200, description="tier-name.csv says which device a table is of.")
    device: UUID | None = Field(None, description="The device; without it, the one that the file or its name says.")
    team: UUID | None = None
    look: bool = Field(False, description="Only tell what it would make.")


class ArrivalOut(Told):
    network: str
    blocks: int
    total_ms: float
    state: str = Field(description="new, newer (it counts from now on), beside (what was measured counts on) or same (nothing "
                                   "is made).")


class Brought(Told):
    """What a file made, or would make."""

    device: UUID | None = Field(description="Nothing while it would have to be made.")
    name: str
    form: str
    notes: list[str]
    changes: list[str] = Field(description="Fields of the device that the file says otherwise.")
    profiles: list[ArrivalOut]


@router.get("/profiles", response=Page[ProfileOut])
def list_profiles(request: HttpRequest, asked: Annotated[Profiles, Query()]) -> dict[str, Any]:
    """The newest profile of each network on each device of the team, or all of them."""
    team = team_of(request, asked.team)
    rows = Profile.objects.visible_to(teams.person(request)).filter(team=team)
    rows = rows if asked.history else rows.filter(pk__in=profiles.newest(team).order_by().values("pk"))
    rows = rows.filter(device=asked.device) if asked.device else rows
    rows = rows.filter(network=asked.network) if asked.network else rows
    rows = rows.filter(network__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(ordered(rows.defer("body", "written"), asked.order, ORDERS), asked)


@router.post("/profiles", response={201: Brought, 200: Brought})
def bring_profiles(request: HttpRequest, asked: Bringing) -> tuple[int, Brought]:
    """Bring a file: all that it holds, or nothing. What is wrong with it comes as `faults`, each with line, column and key."""
    team, user = editable_team(request, asked.team), teams.person(request)
    device = None
    if asked.device is not None:
        device = (Device.objects.visible_to(user) & Device.objects.usable_by(team)).filter(pk=asked.device).first()
        if device is None:
            raise Refused({"device": "There is no such device for this team."})
    done = profiles.look if asked.look else profiles.bring
    plan = done(user, team, asked.text.encode(), asked.file_name, device)
    return (200 if asked.look or plan.makes_nothing else 201), _brought(plan)


def _brought(plan: profiles.Plan) -> Brought:
    rows = [ArrivalOut(network=each.network, blocks=len(each.written.profile.blocks), total_ms=each.total_ms, state=each.state)
            for each in plan.arrivals]
    return Brought(device=plan.device and plan.device.pk, name=plan.name, form=plan.brought.form, notes=list(plan.brought.notes),
                   changes=[change.field for change in plan.changes], profiles=rows)


@router.get("/profiles/{uuid:profile}", response=WholeProfileOut)
def get_profile(request: HttpRequest, profile: UUID) -> Profile:
    """One profile with its blocks."""
    found: Profile = get_object_or_404(Profile.objects.visible_to(teams.person(request)), pk=profile)
    return found


@router.delete("/profiles/{uuid:profile}", response={204: None})
def delete_profile(request: HttpRequest, profile: UUID) -> tuple[int, None]:
    """Take it away; the one before it counts again, where there is one."""
    rows = Profile.objects.editable_by(teams.person(request)).select_related("team")
    profiles.remove(teams.person(request), get_object_or_404(rows, pk=profile))
    return 204, None


class As(Asked):
    form: Form = "json"


class AsOfTeam(OfTeam):
    form: Form = "json"


@router.get("/profiles/{uuid:profile}/file", openapi_extra=FILE)
def get_profile_file(request: HttpRequest, profile: UUID, asked: Annotated[As, Query()]) -> HttpResponse:
    """One profile as a file, with the device it is of."""
    rows = Profile.objects.visible_to(teams.person(request)).select_related("device")
    return profile_files.of_one(get_object_or_404(rows, pk=profile), asked.form)


@router.get("/devices/{uuid:device}/profiles/file", openapi_extra=FILE)
def get_device_profiles_file(request: HttpRequest, device: UUID, asked: Annotated[AsOfTeam, Query()]) -> HttpResponse:
    """The newest profile of each network on a device, as one file; what came in a table leaves byte for byte the same."""
    found: Device = get_object_or_404(Device.objects.visible_to(teams.person(request)).select_related("team"), pk=device)
    own = found.team if teams.role(teams.person(request), found.team) and not asked.team else team_of(request, asked.team)
    return profile_files.of_device(own, found, asked.form)
