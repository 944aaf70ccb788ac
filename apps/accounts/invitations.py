"""Invitations: a place in a team for one address, by a link that works once, for a week."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from apps.accounts import teams
from apps.accounts.models import Invitation, Membership, Role, Team, User
from apps.accounts.refusal import Conflict, Refused
from apps.accounts.secrecy import digest, fresh
from apps.accounts.words import plain

log = logging.getLogger(__name__)
LIFE = timedelta(days=7)
MOST_PENDING = 100


def invite(user: User, team: Team, email: str, role: str) -> tuple[Invitation, str]:
    """Hold a place, and tell the secret of its link once. A second invitation for an address replaces the first."""
    if not teams.administers(user, team):
        raise Refused({"": "Only an administrator of the team can invite."})
    errors: dict[str, str] = {}
    address = _address(email, errors)
    if role not in Role.values:
        errors["role"] = "Choose one of " + ", ".join(Role.values) + "."
    if not errors and Membership.objects.filter(team=team, user__email=address).exists():
        errors["email"] = f"{address} is in the team already."
    if errors:
        raise Refused(errors)
    secret, kept = fresh()
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)
        pending = Invitation.objects.pending().filter(team=team)
        pending.filter(email=address).update(revoked=timezone.now())
        if pending.count() >= MOST_PENDING:
            raise Refused({"email": f"{MOST_PENDING} invitations wait already; revoke some first."})
        made = Invitation.objects.create(team=team, email=address, role=role, digest=kept, invited_by=user,
                                         expires=timezone.now() + LIFE)
    log.info("invitation %s to team %s as %s, by %s", made.pk, team.pk, role, user.pk)
    return made, secret


def mailed(made: Invitation, address: str) -> bool:
    """Send the link where it belongs; False where there is no mail server, or it does not take the mail: hand it over then."""
    title = f"Join {made.team} on EdgePortal"
    text = (f"{made.invited_by} invites you to the team “{made.team}” on EdgePortal, as {made.role}. Open this to join; it works "
            f"once, for seven days, for {made.email}:\n\n{address}\n")
    try:
        return bool(settings.MAIL and send_mail(title, text, settings.DEFAULT_FROM_EMAIL, [made.email]))
    except (OSError, SMTPException):
        return False


def revoke(user: User, invitation: Invitation) -> None:
    """Close a link that was not used yet."""
    if not teams.administers(user, invitation.team):
        raise Refused({"": "Only an administrator of the team can revoke an invitation."})
    if not Invitation.objects.pending().filter(pk=invitation.pk).update(revoked=timezone.now()):
        raise Conflict({"": "This invitation was used, revoked or over already."})
    log.info("invitation %s revoked by %s", invitation.pk, user.pk)


def opened(secret: str) -> Invitation | None:
    """The invitation behind a link that still holds."""
    return Invitation.objects.pending().select_related("team").filter(digest=digest(secret)).first()


def waiting_for(email: str) -> bool:
    return Invitation.objects.pending().filter(email=email.lower()).exists()


def accept(user: User, invitation: Invitation) -> Team:
    """Join with the role that stands in the row. One conditional update: a link used twice at once lets in once."""
    if invitation.email != user.email:
        raise Conflict({"": f"This invitation is for {invitation.email}; you are signed in as {user.email}."})
    with transaction.atomic():
        if not Invitation.objects.pending().filter(pk=invitation.pk).update(used=timezone.now()):
            raise Conflict({"": "This invitation was used, revoked or over already."})
        Membership.objects.get_or_create(team=invitation.team, user=user, defaults={"role": invitation.role})
    log.info("%s joined team %s as %s", user.pk, invitation.team_id, invitation.role)
    return invitation.team


def join_all(user: User) -> None:
    """Everywhere that this address is awaited: for somebody whose address an organisation's provider has proved."""
    for invitation in Invitation.objects.pending().select_related("team").filter(email=user.email):
        # One that was revoked this very moment is no reason to turn the person away.
        with suppress(Conflict):
            accept(user, invitation)


def _address(email: str, errors: dict[str, str]) -> str:
    address = plain("email", email, 254, errors).lower()
    if "email" not in errors:
        try:
            validate_email(address)
        except ValidationError:
            errors["email"] = "Write an e-mail address, such as ada@example.org."
    return address
