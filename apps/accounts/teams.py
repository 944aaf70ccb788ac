"""Which team a request speaks for, and what its person may do there."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from apps.accounts.models import EDITORS, Membership, Role, Team, User

KEY = "team"


def person(request: HttpRequest) -> User:
    """The signed-in person; LoginRequiredMiddleware has turned everybody else away."""
    return cast(User, request.user)


def current(request: HttpRequest) -> Team | None:
    """The team chosen in this session, else the first by name; None for somebody who belongs to no team."""
    if not hasattr(request, "_team"):
        mine = list(Team.objects.visible_to(request.user))
        chosen = request.session.get(KEY)
        team = next((team for team in mine if str(team.pk) == chosen), mine[0] if mine else None)
        request._team = team  # type: ignore[attr-defined]
    return cast("Team | None", request._team)  # type: ignore[attr-defined]


def role(user: User, team: Team | None) -> str:
    """The person's role in the team, or "" for a stranger."""
    membership = Membership.objects.filter(user=user, team=team).first() if team else None
    return membership.role if membership else ""


def may_edit(user: User, team: Team | None) -> bool:
    return role(user, team) in EDITORS


def administers(user: User, team: Team | None) -> bool:
    return role(user, team) == Role.ADMIN
