"""Who asks, their tokens, the teams they belong to, and who is in these."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router, Status
from pydantic import BaseModel, Field

from apps.accounts import actions, invitations, resets, teams, tokens
from apps.accounts.bearer import BySession
from apps.accounts.forms import NameForm
from apps.accounts.models import ApiToken, Invitation, Membership, Role, Scope, Team, User
from apps.accounts.refusal import Refused
from apps.accounts.wire import Asked, Listed, Page, Told, paged

router = Router()
# A token neither makes another, nor changes who its person is, nor lets anybody in by a new password.
SIGNED_IN_ONLY = [BySession()]
NAME = Field(min_length=1, max_length=120)


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


class MeChange(Asked):
    name: str = NAME


class TeamIn(Asked):
    name: str = NAME


class MemberOut(BaseModel):
    person: UUID
    name: str
    email: str
    role: str


class RoleIn(Asked):
    role: Role


class InvitationIn(Asked):
    email: str = Field(min_length=3, max_length=254)
    role: Role = Role.MEMBER


class InvitationOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    email: str
    role: str
    created: datetime
    expires: datetime


class InvitationMade(InvitationOut):
    link: str | None = Field(description="Hand it over, nobody can tell it again; null when it was mailed to its address.")


class LinkOut(BaseModel):
    link: str = Field(description="Hand it over; nobody can tell it again.")


class TokenIn(Asked):
    team: UUID
    name: str = Field(min_length=1, max_length=80)
    scope: Scope = Scope.READ
    days: Literal["30", "90", "365", "never"] = Field("90", description="How many days it holds.")


class TokenOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    name: str
    prefix: str
    scope: str
    created: datetime
    expires: datetime | None
    last_used: datetime | None


class TokenMade(TokenOut):
    token: str = Field(description="Send it in the header Authorization, after the word Bearer; nobody can tell it again.")


@router.get("/me", response=Me, tags=["you"])
def get_me(request: HttpRequest) -> dict[str, Any]:
    """Who you are, and your teams."""
    user = teams.person(request)
    return {"id": user.pk, "email": user.email, "name": user.name, "by_token": user.only_team is not None,
            "teams": _teams(user, list(Team.objects.visible_to(user)))}


@router.patch("/me", response=Me, tags=["you"], auth=SIGNED_IN_ONLY)
def change_me(request: HttpRequest, asked: MeChange) -> dict[str, Any]:
    """How others see you. By session only."""
    form = NameForm(asked.model_dump(), instance=teams.person(request))
    if not form.is_valid():
        raise Refused({field: " ".join(map(str, texts)) for field, texts in form.errors.items()})
    form.save()
    return get_me(request)


@router.get("/tokens", response=Page[TokenOut], tags=["you"], auth=SIGNED_IN_ONLY)
def list_tokens(request: HttpRequest, asked: Listed) -> dict[str, Any]:
    """Your own tokens that hold. By session only."""
    rows = ApiToken.objects.visible_to(teams.person(request)).filter(revoked=None)
    rows = rows.filter(team=asked.team) if asked.team else rows
    return paged(rows.filter(name__icontains=asked.q.strip()) if asked.q.strip() else rows, asked)


@router.post("/tokens", response={201: TokenMade}, tags=["you"], auth=SIGNED_IN_ONLY)
def make_token(request: HttpRequest, asked: TokenIn) -> Status[Any]:
    """A token for one team and up to one role; its text is in this answer and nowhere else. By session only."""
    user = teams.person(request)
    team = get_object_or_404(Team.objects.visible_to(user), pk=asked.team)
    made, text = tokens.make(user, team, asked.name, asked.scope, asked.days)
    return Status(201, _with_secret(TokenOut, made, token=text))


@router.delete("/tokens/{uuid:token}", response={204: None}, tags=["you"], auth=SIGNED_IN_ONLY)
def end_token(request: HttpRequest, token: UUID) -> Status[Any]:
    """End your own token, or one of a team that you lead. By session only."""
    user = teams.person(request)
    mine = ApiToken.objects.visible_to(user) | ApiToken.objects.administered_by(user)
    tokens.revoke(user, get_object_or_404(mine, pk=token))
    return Status(204, None)


@router.get("/teams", response=Page[TeamOut], tags=["teams"])
def list_teams(request: HttpRequest, asked: Listed) -> dict[str, Any]:
    """The teams you belong to; with a token, the one it is for."""
    user = teams.person(request)
    rows = Team.objects.visible_to(user)
    rows = rows.filter(pk=asked.team) if asked.team else rows
    rows = rows.filter(name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(rows, asked, lambda found: _teams(user, found))


@router.post("/teams", response={201: TeamOut}, tags=["teams"], auth=SIGNED_IN_ONLY)
def make_team(request: HttpRequest, asked: TeamIn) -> Status[Any]:
    """A team that you lead. By session only."""
    user = teams.person(request)
    return Status(201, _teams(user, [actions.make_team(user, asked.name)])[0])


@router.get("/teams/{uuid:team}", response=TeamOut, tags=["teams"])
def get_team(request: HttpRequest, team: UUID) -> dict[str, Any]:
    """One team, and what you are in it."""
    user = teams.person(request)
    return _teams(user, [get_object_or_404(Team.objects.visible_to(user), pk=team)])[0]


@router.patch("/teams/{uuid:team}", response=TeamOut, tags=["teams"])
def rename_team(request: HttpRequest, team: UUID, asked: TeamIn) -> dict[str, Any]:
    """Another name; for administrators."""
    user = teams.person(request)
    return _teams(user, [actions.rename_team(user, _led(user, team), asked.name)])[0]


@router.post("/teams/{uuid:team}/leave", response={204: None}, tags=["teams"], auth=SIGNED_IN_ONLY)
def leave_team(request: HttpRequest, team: UUID) -> Status[Any]:
    """Go. The last administrator cannot. By session only."""
    user = teams.person(request)
    actions.leave(user, get_object_or_404(Team.objects.visible_to(user), pk=team))
    return Status(204, None)


@router.get("/teams/{uuid:team}/members", response=Page[MemberOut], tags=["teams"])
def list_members(request: HttpRequest, team: UUID, asked: Listed) -> dict[str, Any]:
    """Who is in the team, and as what."""
    found = get_object_or_404(Team.objects.visible_to(teams.person(request)), pk=team)
    rows = found.memberships.select_related("user").order_by("user__name", "user__email")
    rows = rows.filter(user__name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(rows, asked, lambda page: [_member(each) for each in page])


@router.patch("/teams/{uuid:team}/members/{uuid:person}", response=MemberOut, tags=["teams"])
def change_role(request: HttpRequest, team: UUID, person: UUID, asked: RoleIn) -> dict[str, Any]:
    """Give a member another role. The last administrator keeps theirs."""
    user = teams.person(request)
    return _member(actions.change_role(user, _membership(user, team, person), asked.role))


@router.delete("/teams/{uuid:team}/members/{uuid:person}", response={204: None}, tags=["teams"])
def remove_member(request: HttpRequest, team: UUID, person: UUID) -> Status[Any]:
    """Take somebody out of the team; what they made stays."""
    user = teams.person(request)
    actions.remove(user, _membership(user, team, person))
    return Status(204, None)


@router.post("/teams/{uuid:team}/members/{uuid:person}/reset-link", response={201: LinkOut}, tags=["teams"],
             auth=SIGNED_IN_ONLY)
def make_reset_link(request: HttpRequest, team: UUID, person: UUID) -> Status[Any]:
    """A link for a member who forgot the password. By session only."""
    user = teams.person(request)
    secret = resets.make_for_member(user, _membership(user, team, person))
    return Status(201, {"link": request.build_absolute_uri(reverse("reset-password", args=[secret]))})


@router.get("/teams/{uuid:team}/invitations", response=Page[InvitationOut], tags=["teams"])
def list_invitations(request: HttpRequest, team: UUID, asked: Listed) -> dict[str, Any]:
    """Invitations that still hold; for administrators."""
    held = _led(teams.person(request), team)
    rows = Invitation.objects.administered_by(teams.person(request)).filter(team=held).pending()
    return paged(rows.filter(email__icontains=asked.q.strip()) if asked.q.strip() else rows, asked)


@router.post("/teams/{uuid:team}/invitations", response={201: InvitationMade}, tags=["teams"])
def invite(request: HttpRequest, team: UUID, asked: InvitationIn) -> Status[Any]:
    """Hold a place for an address, for a week; mailed where there is a mail server, else the link is in this answer only."""
    user = teams.person(request)
    made, secret = invitations.invite(user, _led(user, team), asked.email, asked.role)
    link = request.build_absolute_uri(reverse("invitation", args=[secret]))
    shown = None if invitations.mailed(made, link) else link
    return Status(201, _with_secret(InvitationOut, made, link=shown))


@router.delete("/invitations/{uuid:invitation}", response={204: None}, tags=["teams"])
def revoke_invitation(request: HttpRequest, invitation: UUID) -> Status[Any]:
    """Close a link that was not used yet."""
    user = teams.person(request)
    invitations.revoke(user, get_object_or_404(Invitation.objects.administered_by(user).select_related("team"), pk=invitation))
    return Status(204, None)


def _with_secret(told: type[Told], made: ApiToken | Invitation, **secret: str | None) -> dict[str, Any]:
    """What is told of it always, and what is told only now."""
    return {**told.model_validate(made).model_dump(), "team_id": made.team_id, **secret}


def _led(user: User, team: UUID) -> Team:
    return get_object_or_404(Team.objects.administered_by(user), pk=team)


def _membership(user: User, team: UUID, person: UUID) -> Membership:
    return get_object_or_404(_led(user, team).memberships.select_related("user", "team"), user=person)


def _member(each: Membership) -> dict[str, Any]:
    return {"person": each.user_id, "name": each.user.name, "email": each.user.email, "role": each.role}


def _teams(user: User, found: list[Team]) -> list[dict[str, Any]]:
    """Each with the person's role, in one query for all."""
    roles = dict(Membership.objects.filter(user=user, team__in=found).values_list("team_id", "role"))
    return [{"id": team.pk, "name": team.name, "role": teams.lesser(roles[team.pk], user.ceiling)} for team in found]
