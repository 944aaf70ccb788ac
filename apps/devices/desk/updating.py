"""Agents become another version in stages: a part of them first, the next only when those are back and well."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from math import ceil

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.refusal import Refused
from apps.devices import trail
from apps.devices.agent_wheel import wheel
from apps.devices.models import Agent

WELL = ("online", "busy", "draining")
SOME = 5
LIVING = Agent.objects.filter(revoked=None, device__retired=False).select_related("device")


@dataclass(frozen=True)
class Standing:
    """How far an update is: of all agents, who has it, who was asked, and which of the asked are not back or not well."""

    version: str
    all: int
    done: list[Agent]
    missing: list[Agent]
    ill: list[Agent]

    @property
    def asked(self) -> int:
        return len(self.done) + len(self.missing)

    @property
    def trouble(self) -> str:
        """Why no further stage begins; empty when one may."""
        if self.missing:
            return (f"{_named(self.missing)} {'was' if len(self.missing) == 1 else 'were'} asked to become {self.version} and "
                    f"{'is' if len(self.missing) == 1 else 'are'} not back with it yet.")
        return f"{_named(self.ill)} became {self.version} and lost contact." if self.ill else ""


def standing(label: str = "") -> Standing:
    """Of the agents with this label, or of all."""
    version, agents = wheel().version, list(_those(label))
    done = [agent for agent in agents if agent.version == version]
    asked = [agent for agent in agents if agent.version != version and agent.wanted_version == version]
    # Only those that were asked tell whether the version is good: who joined with it has shown nothing yet.
    ill = [agent for agent in done if agent.wanted_version == version and agent.device.state not in WELL]
    return Standing(version, len(agents), done, asked, ill)


@transaction.atomic
def stage(user: object, percent: int, label: str = "") -> int:
    """Ask as many agents as make so many percent of all, those that are in contact first; how many were asked now."""
    if not 1 <= percent <= 100:
        raise Refused({"percent": "From 1 to 100."})
    list(_those(label).select_for_update(of=("self",)))
    now = standing(label)
    if now.trouble:
        raise Refused({"": f"{now.trouble} The next stage begins when all of them are back and well; or stop the update."})
    settled = {agent.pk for agent in now.done}
    rest = sorted((agent for agent in _those(label) if agent.pk not in settled),
                  key=lambda agent: (WELL.index(agent.device.state) if agent.device.state in WELL else len(WELL), agent.pk))
    chosen = rest[:max(0, ceil(now.all * percent / 100) - now.asked)]
    _want(user, chosen, now.version)
    return len(chosen)


@transaction.atomic
def stop(user: object, label: str = "") -> int:
    """Ask nobody any longer; who has become the version keeps it."""
    waiting = [agent for agent in _those(label) if agent.wanted_version and agent.wanted_version != agent.version]
    _want(user, waiting, "")
    return len(waiting)


def _want(user: object, agents: list[Agent], version: str) -> None:
    before = [copy.copy(agent) for agent in agents]
    for agent in agents:
        agent.wanted_version = version
    with trail.by(user):
        trail.change_all(agents, ["wanted_version"], before)


def _those(label: str) -> QuerySet[Agent]:
    rows = LIVING.order_by("pk")
    return rows.filter(device__labels__contains=[label]) if label else rows.all()


def _named(agents: list[Agent]) -> str:
    names = [str(agent.device) for agent in agents]
    return ", ".join(names[:SOME]) + (f" and {len(names) - SOME} more" if len(names) > SOME else "")
