"""Who asks, and the teams they belong to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router
from pydantic import BaseModel, Field

from apps.accounts import teams
from apps.accounts.models import Membership, Team, User
from apps.accounts.wire import Listed, Page, Told, paged

router = Router()


class TeamOut(Told):
    id: UUID
    name: str
    role: str = Field(description="What you are in it; with a token, at most what the token may do.")


class Me(BaseModel):
    id: UUID
    email: str
    name: str
    by_token: bool = Field(description="Whether a token asks, and so for one team only.")
    teams: list[TeamOut]


class MemberOut(BaseModel):
    user: UUID
    name: str
    email: str
    role: str


@router.get("/me", response=Me, tags=["you"])
def get_me(request: HttpRequest) -> dict[str, Any]:
    """Who you are, and your teams."""
    user = teams.person(request)
    return {"id": user.pk, "email": user.email, "name": user.name, "by_token": user.only_team is not None,
            "teams": _teams(user, list(Team.objects.visible_to(user)))}


@router.get("/teams", response=Page[TeamOut], tags=["teams"])
def list_teams(request: HttpRequest, asked: Listed) -> dict[str, Any]:
    """The teams you belong to; with a token, the one it is for."""
    user = teams.person(request)
    rows = Team.objects.visible_to(user)
    rows = rows.filter(pk=asked.team) if asked.team else rows
    rows = rows.filter(name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(rows, asked, lambda found: _teams(user, found))


@router.get("/teams/{uuid:team}", response=TeamOut, tags=["teams"])
def get_team(request: HttpRequest, team: UUID) -> dict[str, Any]:
    user = teams.person(request)
    return _teams(user, [get_object_or_404(Team.objects.visible_to(user), pk=team)])[0]


@router.get("/teams/{uuid:team}/members", response=Page[MemberOut], tags=["teams"])
def list_members(request: HttpRequest, team: UUID, asked: Listed) -> dict[str, Any]:
    """Who is in the team, and as what."""
    found = get_object_or_404(Team.objects.visible_to(teams.person(request)), pk=team)
    rows = found.memberships.select_related("user").order_by("user__name", "user__email")
    rows = rows.filter(user__name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(rows, asked, lambda page: [_member(each) for each in page])


def _member(each: Membership) -> dict[str, Any]:
    return {"user": each.user_id, "name": each.user.name, "email": each.user.email, "role": each.role}


def _teams(user: User, found: list[Team]) -> list[dict[str, Any]]:
    """Each with the person's role, in one query for all."""
    roles = dict(Membership.objects.filter(user=user, team__in=found).values_list("team_id", "role"))
    return [{"id": team.pk, "name": team.name, "role": teams.lesser(roles[team.pk], user.ceiling)} for team in found]
