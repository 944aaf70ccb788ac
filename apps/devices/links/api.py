"""Links for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import Field

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.accounts.wire import Asked, OfTeam, Page, Paging, Told, editable_team, paged, team_of
from apps.devices.links import actions
from apps.devices.links.network import LARGEST, written_network
from apps.devices.links.numbers import BANDWIDTH_MBPS, LATENCY_MS
from apps.devices.listing import usable
from apps.devices.models import Link

router = Router(tags=["links"])
LATENCY = Field(ge=LATENCY_MS.low, le=LATENCY_MS.high, description="A round trip, in ms.")
BANDWIDTH = Field(ge=BANDWIDTH_MBPS.low, le=BANDWIDTH_MBPS.high, description="In this direction, in Mbit/s.")


class LinkOut(Told):
    """One direction."""

    id: UUID
    team: UUID = Field(validation_alias="team_id")
    source: UUID = Field(validation_alias="source_id")
    target: UUID = Field(validation_alias="target_id")
    latency_ms: float
    bandwidth_mbps: float
    origin: str = Field(description="measured or typed.")
    at: datetime


class NewLink(Asked):
    """Both directions between two devices; what is left out for the way back is as it is there."""

    team: UUID | None = None
    source: UUID
    target: UUID
    latency_ms: Annotated[float, LATENCY]
    bandwidth_mbps: Annotated[float, BANDWIDTH]
    latency_back_ms: Annotated[float | None, LATENCY] = None
    bandwidth_back_mbps: Annotated[float | None, BANDWIDTH] = None
    origin: Literal["measured", "typed"] = "typed"


class NetworkFile(Asked):
    """A network file as Scission has them."""

    team: UUID | None = None
    text: str = Field(max_length=LARGEST, description="source,destination,ping(ms),bandwidth(mbps), then a line a direction; "
                                                      "devices by their names.")
    origin: Literal["measured", "typed"] = "measured"


class NetworkText(Told):
    text: str


class Kept(Told):
    directions: int


class Links(Paging, OfTeam):
    device: UUID | None = Field(None, description="Only those that begin or end there.")


@router.get("/links", response=Page[LinkOut])
def list_links(request: HttpRequest, asked: Annotated[Links, Query()]) -> dict[str, Any]:
    """The team's links, a row a direction."""
    rows = Link.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team)).order_by("created", "pk")
    return paged(rows.filter(Q(source=asked.device) | Q(target=asked.device)) if asked.device else rows, asked)


@router.post("/links", response={201: list[LinkOut]})
def connect_devices(request: HttpRequest, asked: NewLink) -> Status[list[Link]]:
    """Say what lies between two devices, there and back; what was known before is replaced."""
    team, user = editable_team(request, asked.team), teams.person(request)
    ends = {device.pk: device for device in usable(user, team).filter(pk__in=[asked.source, asked.target])}
    missing = {field: "There is no such device in this team." for field in ("source", "target")
               if getattr(asked, field) not in ends}
    if missing:
        raise Refused(missing)
    there = actions.Numbers(asked.latency_ms, asked.bandwidth_mbps)
    back = actions.Numbers(there.latency_ms if asked.latency_back_ms is None else asked.latency_back_ms,
                           there.bandwidth_mbps if asked.bandwidth_back_mbps is None else asked.bandwidth_back_mbps)
    return Status(201, actions.connect(user, team, ends[asked.source], ends[asked.target], there, back, asked.origin))


@router.get("/links/network", response=NetworkText)
def get_network(request: HttpRequest, asked: Annotated[OfTeam, Query()]) -> dict[str, str]:
    """All links of the team as a network file of Scission's form."""
    rows = Link.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team))
    ordered = rows.select_related("source", "target").order_by("source__name", "target__name", "pk")
    return {"text": b"".join(written_network(ordered)).decode()}


@router.post("/links/network", response=Kept)
def take_in_network(request: HttpRequest, asked: NetworkFile) -> dict[str, int]:
    """Take in a network file: all of its lines, or none."""
    kept = actions.take_in(teams.person(request), editable_team(request, asked.team), asked.text, asked.origin)
    return {"directions": len(kept)}


@router.delete("/links/{uuid:link}", response={204: None})
def remove_link(request: HttpRequest, link: UUID) -> Status[None]:
    """Remove one direction."""
    person = teams.person(request)
    actions.remove(person, get_object_or_404(Link.objects.editable_by(person).select_related("team"), pk=link))
    return Status(204, None)
