"""Codes that let boards join, and the tokens of their agents: what the pages do, for programs of an administrator."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from ninja.errors import AuthorizationError
from pydantic import Field

from apps.accounts import teams
from apps.accounts.wire import Asked, OfTeam, Page, Paging, Told, paged, team_of
from apps.devices.boards import tokens
from apps.devices.enrolment import MOST_BOARDS, make_code, revoke
from apps.devices.join_line import join_command
from apps.devices.models import Device, Enrolment, Tier

router = Router(tags=["devices"])


class CodeIn(Asked):
    boards: int = Field(1, ge=1, le=MOST_BOARDS, description="How many boards may join with it.")
    tier: Tier = Tier.DEVICE
    location: str = Field("", max_length=120)
    labels: list[str] = Field(default_factory=list, max_length=20)
    team: UUID | None = Field(None, description="For this team; without it, the token's or the session's.")


class CodeOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    prefix: str = Field(description="Its first group; of the rest the portal keeps a hash.")
    expires: datetime
    boards: int
    joined: int
    tier: str
    location: str
    labels: list[str]
    device: UUID | None = Field(validation_alias="device_id", description="The device that it gives a new agent.")
    is_open: bool = Field(description="Whether boards can still join with it.")


class MadeOut(CodeOut):
    code: str = Field(description="Told this once.")
    command: str = Field(description="The line to run on the board.")


class Codes(Paging, OfTeam):
    """The team's codes, the newest first."""


@router.post("/devices/codes", response={201: MadeOut})
def make_board_code(request: HttpRequest, asked: CodeIn) -> Status[Any]:
    """A code with which so many boards join within ten minutes, and the line that does it."""
    user, team = teams.person(request), team_of(request, asked.team)
    if not teams.administers(user, team):
        raise AuthorizationError(message="Only an administrator of the team can add a board.")
    return _made(request, *make_code(user, team, **asked.model_dump(exclude={"team"})))


@router.get("/devices/codes", response=Page[CodeOut])
def list_board_codes(request: HttpRequest, asked: Annotated[Codes, Query()]) -> dict[str, Any]:
    """Codes of the team, for its administrators."""
    rows = Enrolment.objects.administered_by(teams.person(request)).filter(team=team_of(request, asked.team))
    return paged(rows.order_by("-created", "pk"), asked)


@router.delete("/devices/codes/{uuid:enrolment}", response={204: None})
def revoke_board_code(request: HttpRequest, enrolment: UUID) -> Status[None]:
    """No further board joins with it; those that have joined stay."""
    user = teams.person(request)
    revoke(user, get_object_or_404(Enrolment.objects.administered_by(user).select_related("team"), pk=enrolment))
    return Status(204, None)


@router.post("/devices/{uuid:device}/agent/code", response={201: MadeOut})
def make_code_for_device(request: HttpRequest, device: UUID) -> Status[Any]:
    """A code that gives this very device a new agent, as after its card was set up anew."""
    found = _device(request, device)
    return _made(request, *make_code(teams.person(request), found.team, tier=found.tier, device=found))


@router.post("/devices/{uuid:device}/agent/replace-token", response={204: None})
def replace_agents_token(request: HttpRequest, device: UUID) -> Status[None]:
    """Its agent gets another token at its next beat; the old one ends when the new one is used."""
    tokens.ask_to_replace(teams.person(request), _device(request, device))
    return Status(204, None)


@router.delete("/devices/{uuid:device}/agent", response={204: None})
def revoke_agents_token(request: HttpRequest, device: UUID) -> Status[None]:
    """End the token of its agent now; the board needs a new code to join again."""
    tokens.revoke(teams.person(request), _device(request, device))
    return Status(204, None)


def _device(request: HttpRequest, pk: UUID) -> Device:
    rows = Device.objects.administered_by(teams.person(request)).select_related("team")
    found: Device = get_object_or_404(rows, pk=pk)
    return found


def _made(request: HttpRequest, made: Enrolment, text: str) -> Status[Any]:
    made.code, made.command = text, join_command(request, text)  # type: ignore[attr-defined]
    return Status(201, made)
