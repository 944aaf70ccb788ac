"""Boards join with a code: 60 bits, ten minutes, for so many boards, ended by five wrong tries; kept as a hash, revocable.

Guessing is hopeless three times over. A code has 60 random bits and lives ten minutes: a million guesses a second until it ends
find it with a chance of 1 in 10^9. Its first group names the code, so that a guess which knows that group (it stands on the
page) counts against that very code, and the fifth wrong one ends it: 5 chances in 2^40. And whoever guesses blindly is counted by
address: after twenty wrong tries that address waits ten minutes.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Conflict, Refused
from apps.accounts.secrecy import digest
from apps.accounts.words import plain
from apps.devices import labels as labels_of
from apps.devices import names, trail
from apps.devices.boards import states, tokens
from apps.devices.boards.reports import About
from apps.devices.boards.unwelcome import Unwelcome
from apps.devices.models import Agent, Device, Enrolment, Tier

log = logging.getLogger(__name__)
LIFE = timedelta(minutes=10)
# Crockford's alphabet: nothing that looks like another (no I, L, O, U); what is read wrong is put right.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALIKE = str.maketrans("OIL", "011")
GROUPS, GROUP = 3, 4
MOST_BOARDS, MOST_OPEN = 100, 20
WRONG_TRIES, WRONG_TRIES_OF_AN_ADDRESS = 5, 20
WRONG = ("This code does not let a board join: it is wrong, used up, or older than ten minutes. Make another on the page of "
         "devices.")


class Joined(NamedTuple):
    """What a board gets: its agent, and the token that nobody can tell again."""

    agent: Agent
    token: str


def make_code(user: User, team: Team, *, boards: int = 1, tier: str = Tier.DEVICE, location: str = "",
              labels: Iterable[str] = (), device: Device | None = None, as_operator: bool = False) -> tuple[Enrolment, str]:
    """A code for so many boards of the team, and its text, shown once. `device`: it gives that device a new agent.

    `as_operator`: the operators' desk has asked already whether they may.
    """
    if not (as_operator or teams.administers(user, team)):
        raise Refused({"": "Only an administrator of the team can add a board."})
    errors: dict[str, str] = {}
    if not 1 <= boards <= MOST_BOARDS:
        errors["boards"] = f"One code is for 1 to {MOST_BOARDS} boards."
    if tier not in Tier.values:
        errors["tier"] = "Choose one of " + ", ".join(Tier.values) + "."
    place = plain("location", location, 120, errors, needed=False)
    words = _labels(labels, errors)
    if device and (boards != 1 or device.team_id != team.pk or device.host):
        errors["device"] = "A code for a device is for one board of the team."
    if errors:
        raise Refused(errors)
    with trail.by(user), transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)
        living = Enrolment.objects.filter(team=team, revoked=None, expires__gt=timezone.now(), joined__lt=F("boards"))
        if living.count() >= MOST_OPEN:
            raise Refused({"": f"{MOST_OPEN} codes wait for boards already; revoke some first."})
        text = _unused()
        made = Enrolment.objects.create(
            team=team, digest=digest(text), prefix=text[:GROUP], expires=timezone.now() + LIFE, boards=boards, tier=tier,
            location=place, labels=words, device=device, created_by=user)
    log.info("code %s for %d boards of team %s, by %s", made.prefix, boards, team.pk, user.pk)
    return made, "-".join(text[at:at + GROUP] for at in range(0, len(text), GROUP))


def revoke(user: User, enrolment: Enrolment) -> None:
    """Close a code that boards could still join with; those that have joined stay."""
    if not teams.administers(user, enrolment.team):
        raise Refused({"": "Only an administrator of the team can revoke a code."})
    with trail.by(user), transaction.atomic():
        held = Enrolment.objects.select_for_update().filter(pk=enrolment.pk, revoked=None).first()
        if held is None:
            raise Conflict({"": "This code is revoked already."})
        held.revoked = timezone.now()
        held.save(update_fields=["revoked"])
    log.info("code %s revoked by %s", enrolment.prefix, user.pk)


def join(code: str, about: About, address: str) -> Joined:
    """Let a board in: its device, its agent, its token. Unwelcome (403) for every reason alike, 429 after too many guesses."""
    _refuse_guesser(address)
    text = code.upper().translate(ALIKE).replace("-", "").replace(" ", "")
    with transaction.atomic():
        found = _opened(text, about.instance)
        if found:
            return _again(found, about, address) or _let_in(found, about, address)
    _count_wrong(address)
    raise Unwelcome(403, WRONG)


def _unused() -> str:
    """A code whose first group no living one has."""
    taken = set(Enrolment.objects.filter(revoked=None, expires__gt=timezone.now()).values_list("prefix", flat=True))
    while True:
        text = "".join(secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP))
        if text[:GROUP] not in taken:
            return text


def _opened(text: str, instance: str) -> Enrolment | None:
    """The living code of this text, locked. A wrong one with a living code's first group counts against that code."""
    living = Enrolment.objects.select_for_update(of=("self",)).select_related("team", "device")
    found = living.filter(prefix=text[:GROUP], revoked=None, expires__gt=timezone.now()).first()
    fits = secrets.compare_digest(digest(text), found.digest if found else tokens.NOBODY)
    if found is None:
        return None
    if not fits:
        found.wrong_tries += 1
        found.revoked = timezone.now() if found.wrong_tries >= WRONG_TRIES else None
        found.save(update_fields=["wrong_tries", "revoked"])
        return None
    if found.device and found.device.host:
        return None  # A worker measures on it since the code was made.
    may = found.joined < found.boards or found.agents.filter(instance=instance, revoked=None).exists()
    return found if may else None


def _again(enrolment: Enrolment, about: About, address: str) -> Joined | None:
    """The same board asks again: the answer that gave it its token was lost. It gets another, its device is the same."""
    agent = enrolment.agents.select_related("device").filter(instance=about.instance, revoked=None).first()
    if agent is None:
        return None
    agent.prefix, agent.digest, text = tokens.fresh()
    agent.next_prefix, agent.next_digest, agent.token_made = "", "", timezone.now()
    agent.version = about.version
    agent.save(update_fields=["prefix", "digest", "next_prefix", "next_digest", "token_made", "version"])
    _tell_of_slices(agent, about, address)
    return Joined(agent, text)


def _let_in(enrolment: Enrolment, about: About, address: str) -> Joined:
    now = timezone.now()
    device = enrolment.device or Device(team=enrolment.team, tier=enrolment.tier, location=enrolment.location,
                                        labels=enrolment.labels, name=_free_name(enrolment.team, about.name))
    about.tell(device)
    device.last_seen, device.retired, device.busy = now, False, False
    device.save()
    device.agents.filter(revoked=None).update(revoked=now)
    prefix, kept, text = tokens.fresh()
    agent = Agent.objects.create(device=device, enrolment=enrolment, prefix=prefix, digest=kept, instance=about.instance,
                                 version=about.version, token_made=now, last_used=now)
    _tell_of_slices(agent, about, address)
    Enrolment.objects.filter(pk=enrolment.pk).update(joined=F("joined") + 1)
    states.say(device, joined=str(enrolment.pk))
    log.info("board %s joined team %s as device %s", prefix, enrolment.team_id, device.pk)
    return Joined(agent, text)


def _tell_of_slices(agent: Agent, about: About, address: str) -> None:
    if about.data and (told := about.data.tell(agent, address)):
        Agent.objects.filter(pk=agent.pk).update(**told)


def _free_name(team: Team, wanted: str) -> str:
    """The name that the board calls itself, with a number when the team has or sees such a device."""
    Team.objects.select_for_update().get(pk=team.pk)
    return names.free(team, wanted[:110])


def _labels(given: Iterable[str], errors: dict[str, str]) -> list[str]:
    try:
        return labels_of.checked(given)
    except ValueError as wrong:
        errors["labels"] = str(wrong)
        return []


def _key(address: str) -> str:
    return f"wrong-codes:{digest(address)[:16]}"


def _refuse_guesser(address: str) -> None:
    try:
        tries = int(cache.get(_key(address)) or 0)
    except Exception as error:
        log.warning("Wrong codes are not counted now: %s", error)
        return
    if tries >= WRONG_TRIES_OF_AN_ADDRESS:
        raise Unwelcome(429, "Too many wrong codes came from this address; wait as long as Retry-After says.",
                        retry_after=LIFE.total_seconds())


def _count_wrong(address: str) -> None:
    try:
        cache.add(_key(address), 0, int(LIFE.total_seconds()))
        cache.incr(_key(address))
    except Exception as error:
        log.warning("A wrong code was not counted: %s", error)
