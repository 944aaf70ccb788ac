"""Tokens of agents: shown to the board once, kept as SHA-256, bound to one device, replaced with an overlap, revocable."""

from __future__ import annotations

import logging
import re
import secrets
import string
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.refusal import Conflict, Refused
from apps.accounts.secrecy import digest
from apps.devices import trail
from apps.devices.boards import states
from apps.devices.boards.networks import left
from apps.devices.models import Agent, Device

log = logging.getLogger(__name__)
ALPHABET = string.ascii_letters + string.digits
PREFIX, SECRET = 8, 43
SHAPE = re.compile(rf"epa_([A-Za-z0-9]{{{PREFIX}}})_([A-Za-z0-9]{{{SECRET}}})")
NOBODY = "0" * 64
USED_EVERY = timedelta(minutes=1)
ROTATE_AFTER = timedelta(days=90)


def fresh() -> tuple[str, str, str]:
    """A new token: its prefix, what is kept of it, and its text, which nobody can tell again."""
    prefix, secret = _word(PREFIX), _word(SECRET)
    return prefix, digest(secret), f"epa_{prefix}_{secret}"


def speaker(text: str) -> Agent | None:
    """The living agent whose token this is; None for every reason alike. A replacement counts from its first use on."""
    shape = SHAPE.fullmatch(text)
    prefix, secret = shape.groups() if shape else ("", "")
    rows = Agent.objects.select_related("device__team").filter(Q(prefix=prefix) | Q(next_prefix=prefix), revoked=None)
    agent = rows.first() if prefix else None
    kept = NOBODY if agent is None else agent.digest if agent.prefix == prefix else agent.next_digest
    fits = secrets.compare_digest(digest(secret), kept)
    if not fits or agent is None:
        return None
    return _in_use(agent, prefix)


def _in_use(agent: Agent, prefix: str) -> Agent:
    now = timezone.now()
    if prefix != agent.prefix:
        return _replaced(agent)
    if agent.last_used is None or agent.last_used < now - USED_EVERY:
        Agent.objects.filter(pk=agent.pk).update(last_used=now)
    return agent


def _replaced(agent: Agent) -> Agent:
    """The board has its new token: the old one ends now."""
    now = timezone.now()
    same = Agent.objects.filter(pk=agent.pk, next_prefix=agent.next_prefix)
    same.update(prefix=agent.next_prefix, digest=agent.next_digest, next_prefix="", next_digest="", last_used=now, token_made=now)
    log.info("agent %s has its new token %s", agent.pk, agent.next_prefix)
    agent.prefix, agent.digest, agent.next_prefix, agent.next_digest = agent.next_prefix, agent.next_digest, "", ""
    agent.token_made = now
    return agent


def replacement(agent: Agent) -> str | None:
    """A new token for an agent whose token is old, or that somebody asked to replace; the old one lives until it is used.

    Asked again, as when the answer was lost, there is another.
    """
    if agent.token_made and agent.token_made > timezone.now() - ROTATE_AFTER:
        return None
    prefix, kept, text = fresh()
    Agent.objects.filter(pk=agent.pk, revoked=None).update(next_prefix=prefix, next_digest=kept)
    return text


def revoke(user: User, device: Device) -> None:
    """End the token of the device's agent, and the one that is on its way; the board needs a new code to join again."""
    with trail.by(user), transaction.atomic():
        # Before its agent, as its beats do: neither then waits for the other.
        Device.objects.select_for_update(of=("self",), no_key=True).get(pk=device.pk)
        agent = _living(user, device)
        agent.revoked, agent.next_prefix, agent.next_digest = timezone.now(), "", ""
        agent.save(update_fields=["revoked", "next_prefix", "next_digest"])
        left.send(Device, device=device)
        states.say(device)
    log.info("token %s of device %s ended by %s", agent.prefix, device.pk, user.pk)


def ask_to_replace(user: User, device: Device) -> None:
    """At its next beat the agent gets another token."""
    with trail.by(user), transaction.atomic():
        agent = _living(user, device)
        agent.token_made = None
        agent.save(update_fields=["token_made"])


def _living(user: User, device: Device) -> Agent:
    """The device's agent, locked, for who may end it."""
    if not Device.objects.administered_by(user).filter(pk=device.pk).exists():
        raise Refused({"": "Only an administrator of the team can do this."})
    agent = Agent.objects.select_for_update(of=("self",)).filter(device=device, revoked=None).first()
    if agent is None:
        raise Conflict({"": "No agent lives on this device."})
    return agent


def _word(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
