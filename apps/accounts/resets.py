"""New passwords for who forgot theirs: a link that works once, within the hour."""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException
from threading import Thread

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import ADMINS, Membership, ResetLink, User
from apps.accounts.refusal import Conflict, Refused
from apps.accounts.secrecy import digest, fresh

log = logging.getLogger(__name__)
LIFE = timedelta(hours=1)
NOT_YOURS = ("You can make this link only for members who are in no team but yours. {who} can ask the operator of this "
             "portal, who runs `manage.py reset_link`.")


def make(user: User, by: User | None = None) -> str:
    """The secret of a fresh link for this person; earlier ones die."""
    secret, kept = fresh()
    with transaction.atomic():
        ResetLink.objects.filter(user=user).delete()
        ResetLink.objects.create(digest=kept, user=user, made_by=by, expires=timezone.now() + LIFE)
    log.info("link to reset the password of %s made by %s", user.pk, by.pk if by else "the operator or themselves")
    return secret


def make_for_member(admin: User, membership: Membership) -> str:
    """An administrator may let a member in again, unless that would open another team or the operator's desk to them."""
    member = membership.user
    if member.pk == admin.pk:
        raise Refused({"": "This link is for others. Change your own password on your account page."})
    mine = Membership.objects.granting(admin, ADMINS).values("team_id")
    elsewhere = Membership.objects.filter(user=member).exclude(team__in=mine)
    if admin.only_team or member.is_staff or member.is_superuser or elsewhere.exists():
        raise Refused({"": NOT_YOURS.format(who=member)})
    return make(member, admin)


def opened(secret: str) -> ResetLink | None:
    """The link that still holds, for somebody who may still sign in."""
    links = ResetLink.objects.select_related("user").filter(used=None, expires__gt=timezone.now(), user__is_active=True)
    return links.filter(digest=digest(secret)).first()


def take(link: ResetLink, password: str) -> None:
    """Set the password and end every session of the person; by one conditional update, once."""
    with transaction.atomic():
        if not ResetLink.objects.filter(pk=link.pk, used=None).update(used=timezone.now()):
            raise Conflict({"": "This link was used already."})
        link.user.set_password(password)
        link.user.save(update_fields=["password"])
    log.info("password of %s set by a link", link.user_id)


def post(user: User, address: str) -> None:
    """Send a person their link beside the answer: one that waited for the mail server would tell that they are known."""
    Thread(target=_mail, args=(user, address), name="mail").start()


def _mail(user: User, address: str) -> None:
    text = (f"Somebody asked for a new password for {user.email} at EdgePortal. Open this within the hour to set it:\n\n"
            f"{address}\n\nIf it was not you, leave it; nothing changes.\n")
    try:
        send_mail("A new password for EdgePortal", text, settings.DEFAULT_FROM_EMAIL, [user.email])
    except (OSError, SMTPException):
        log.warning("the mail server did not take the mail with a link to reset a password")
