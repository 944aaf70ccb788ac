"""Which team a request speaks for, and what its person may do there."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from apps.accounts.models import ADMINS, EDITORS, REVIEWERS, ROLES, Membership, Role, Team, User

KEY = "team"
NONE_YET = "You are in no team yet: make one, or ask an administrator of one to invite you."


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
    """The person's role in the team, or "" for a stranger; with a token, its ceiling when that is less."""
    membership = Membership.objects.granting(user, ROLES).filter(team=team).first() if team else None
    return lesser(membership.role, user.ceiling) if membership else ""


def lesser(one: str, other: str) -> str:
    """The one of two roles that may do less."""
    return min(one, other, key=lambda name: ROLES.index(Role(name)))


def may_edit(user: User, team: Team | None) -> bool:
    return role(user, team) in EDITORS


def may_review(user: User, team: Team | None) -> bool:
    return role(user, team) in REVIEWERS


def administers(user: User, team: Team | None) -> bool:
    return role(user, team) in ADMINS
