"""What people do with teams: make one, rename it, give roles, remove a member, leave."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import ADMINS, ApiToken, Membership, Role, Team, User
from apps.accounts.refusal import Conflict, Refused
from apps.accounts.words import plain

log = logging.getLogger(__name__)
NAME = Team._meta.get_field("name").max_length or 0
MOST_TEAMS = 50
LAST_ADMIN = "A team needs an administrator. Make somebody else one first."


def make_team(user: User, name: str) -> Team:
    """A team of one: who makes it is its administrator."""
    if user.only_team:
        raise Refused({"": "A token speaks for one team; sign in to make another."})
    errors: dict[str, str] = {}
    title = plain("name", name, NAME, errors)
    if not errors and Membership.objects.filter(user=user, role__in=ADMINS).count() >= MOST_TEAMS:
        errors["name"] = f"You lead {MOST_TEAMS} teams already; leave one first."
    if errors:
        raise Refused(errors)
    with transaction.atomic():
        team = Team.objects.create(name=title)
        Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    log.info("team %s made by %s", team.pk, user.pk)
    return team


def rename_team(user: User, team: Team, name: str, was: str | None = None) -> Team:
    """`was` is the name that the person saw; when it is another by now, nothing is overwritten."""
    with transaction.atomic():
        held = _held(user, team)
        errors: dict[str, str] = {}
        title = plain("name", name, NAME, errors)
        if errors:
            raise Refused(errors)
        if was is not None and was != held.name:
            raise Conflict({"name": f"Somebody has renamed it to “{held.name}” meanwhile; you typed “{title}”. Save again to "
                                    "keep yours."})
        held.name = title
        held.save(update_fields=["name"])
    log.info("team %s renamed by %s", team.pk, user.pk)
    return held


def change_role(user: User, membership: Membership, role: str, was: str | None = None) -> Membership:
    """Give a member another role. The last administrator keeps theirs."""
    if role not in Role.values:
        raise Refused({"role": "Choose one of " + ", ".join(Role.values) + "."})
    with transaction.atomic():
        team = _held(user, membership.team)
        held = _member(team, membership)
        if was is not None and was != held.role:
            raise Conflict({"role": f"{held.user} is {held.role} by now, no longer {was}. Choose again if you still want "
                                    f"{role}."})
        if role not in ADMINS:
            _keeps_an_admin(team, held)
        held.role = role
        held.save(update_fields=["role"])
    log.info("role of %s in team %s is %s, by %s", held.user_id, team.pk, role, user.pk)
    return held


def remove(user: User, membership: Membership) -> None:
    """Take somebody out of the team. What they made stays; their tokens for it end."""
    with transaction.atomic():
        team = _held(user, membership.team)
        held = _member(team, membership)
        _keeps_an_admin(team, held)
        _out(held)
    log.info("%s removed from team %s by %s", membership.user_id, team.pk, user.pk)


def leave(user: User, team: Team) -> None:
    """Go. The last administrator cannot."""
    if user.only_team:
        raise Refused({"": "A token cannot leave the team for its person; sign in to leave."})
    with transaction.atomic():
        held = Team.objects.select_for_update().get(pk=team.pk)
        mine = Membership.objects.filter(team=held, user=user).first()
        if mine is None:
            raise Conflict({"": "You are not in this team any more."})
        _keeps_an_admin(held, mine)
        _out(mine)
    log.info("%s left team %s", user.pk, team.pk)


def _held(user: User, team: Team) -> Team:
    """The team, locked, so that two administrators cannot demote each other at once."""
    held = Team.objects.select_for_update().filter(pk__in=Team.objects.administered_by(user).values("pk"), pk=team.pk).first()
    if held is None:
        raise Refused({"": "Only an administrator of the team can do this."})
    return held


def _member(team: Team, membership: Membership) -> Membership:
    held = Membership.objects.select_related("user").filter(pk=membership.pk, team=team).first()
    if held is None:
        raise Conflict({"": "This person has left the team meanwhile."})
    return held


def _out(membership: Membership) -> None:
    """Gone with all tokens for the team: they do not come back to life when the person is invited again."""
    mine = ApiToken.objects.filter(team=membership.team_id, user=membership.user_id, revoked=None)
    mine.update(revoked=timezone.now())
    membership.delete()


def _keeps_an_admin(team: Team, going: Membership) -> None:
    others = Membership.objects.filter(team=team, role__in=ADMINS, user__is_active=True).exclude(pk=going.pk)
    if going.role in ADMINS and not others.exists():
        raise Conflict({"": LAST_ADMIN})
