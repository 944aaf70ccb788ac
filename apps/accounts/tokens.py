"""API tokens: made and ended by a person, shown once, kept as a hash, good for one team and up to one role."""

from __future__ import annotations

import logging
import re
import secrets
import string
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from apps.accounts import teams
from apps.accounts.models import CEILING, ApiToken, Membership, Scope, Team, User
from apps.accounts.refusal import Refused
from apps.accounts.secrecy import digest
from apps.accounts.words import plain

log = logging.getLogger(__name__)
ALPHABET = string.ascii_letters + string.digits
PREFIX, SECRET = 8, 43
SHAPE = re.compile(rf"ep_([A-Za-z0-9]{{{PREFIX}}})_([A-Za-z0-9]{{{SECRET}}})")
NAME = ApiToken._meta.get_field("name").max_length or 0
LIVES = {"30": "30 days", "90": "90 days", "365": "a year", "never": "no end"}
MOST = 50
USED_EVERY = timedelta(minutes=1)
NOBODY = "0" * 64


def make(user: User, team: Team, name: str, scope: str, days: str = "90") -> tuple[ApiToken, str]:
    """A token of this person for this team, and its text, which nobody can tell again."""
    if user.only_team:
        raise Refused({"": "A token cannot make another; sign in to make one."})
    if not teams.role(user, team):
        raise Refused({"": "You are not in this team."})
    errors = {} if scope in Scope.values else {"scope": "Choose one of " + ", ".join(Scope.values) + "."}
    if days not in LIVES:
        errors["days"] = "Choose one of the offered times."
    title = plain("name", name, NAME, errors)
    if not errors and ApiToken.objects.filter(user=user, team=team, revoked=None).count() >= MOST:
        errors["name"] = f"You have {MOST} tokens for this team; end some first."
    if errors:
        raise Refused(errors)
    prefix, secret = _word(PREFIX), _word(SECRET)
    expires = timezone.now() + timedelta(days=int(days)) if days.isdigit() else None
    token = ApiToken.objects.create(team=team, user=user, name=title, prefix=prefix, digest=digest(secret), scope=scope,
                                    expires=expires)
    log.info("token %s of %s for team %s, scope %s", prefix, user.pk, team.pk, scope)
    return token, f"ep_{prefix}_{secret}"


def revoke(user: User, token: ApiToken) -> None:
    """End a token now: its own person may, and an administrator of its team."""
    if user.only_team or not (token.user_id == user.pk or teams.administers(user, token.team)):
        raise Refused({"": "Only its owner or an administrator of the team can end a token, signed in."})
    ApiToken.objects.filter(pk=token.pk, revoked=None).update(revoked=timezone.now())
    log.info("token %s ended by %s", token.prefix, user.pk)


def speaker(text: str) -> User | None:
    """The person this token speaks for now, held to its team and its scope; None for every reason alike."""
    shape = SHAPE.fullmatch(text)
    prefix, secret = shape.groups() if shape else ("", "")
    token = ApiToken.objects.select_related("user").filter(prefix=prefix).first()
    fits = secrets.compare_digest(digest(secret), token.digest if token else NOBODY)
    if not (fits and token and _is_alive(token)):
        return None
    _note_use(token)
    token.user.only_team, token.user.ceiling = token.team_id, CEILING[Scope(token.scope)]
    return token.user


def _is_alive(token: ApiToken) -> bool:
    """Neither ended nor over, and its person is still there and still in the team."""
    lives = not token.revoked and not token.is_over and token.user.is_active
    return lives and Membership.objects.filter(user=token.user_id, team=token.team_id).exists()


def _note_use(token: ApiToken) -> None:
    """At most one write a minute, however busy the program is."""
    now = timezone.now()
    stale = Q(last_used=None) | Q(last_used__lt=now - USED_EVERY)
    if token.last_used is None or token.last_used < now - USED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used=now)


def _word(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
