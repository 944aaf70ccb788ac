"""Where a board stands: what it serves, what is on its way, and what it will serve when all of that has come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.accounts import signing
from apps.accounts.refusal import Conflict
from apps.deployments.models import Deployment, Kind, Served, State
from apps.devices.models import Agent, Device

NO_AGENT = "No agent lives on {device}: join it with a code, then it can take networks."
TOO_OLD = ("The agent of {device} knows nothing of networks yet: update it, and join the board again so that it learns the "
           "portal's key.")
NOT_HEARD = "{device} has joined, and was not heard since: once it is, it can take networks."
OTHER_KEY = "{device} joined while this portal had another signing key: let the board join again, so that it learns the new one."
RETIRED = "{device} is retired."


@dataclass(frozen=True)
class Standing:
    """`served`: nothing while its agent said nothing; `waiting`: by number; `cannot`: why it takes nothing, else empty."""

    device: Device
    agent: Agent | None
    served: Served | None
    waiting: list[Deployment]
    cannot: str

    @property
    def will_serve(self) -> str:
        """SHA-256 of the network that it serves when all that waits was taken; empty for none."""
        return self.waiting[-1].result_sha256 if self.waiting else self.served.sha256 if self.served else ""

    @property
    def will_keep(self) -> str:
        """SHA-256 of the first network that it keeps then."""
        firsts = [each.result_sha256 for each in self.waiting if each.kind == Kind.FIRST]
        return firsts[-1] if firsts else self.served.first_sha256 if self.served else ""


def of(device: Device) -> Standing:
    """In two queries."""
    return of_all([device])[0]


def of_all(devices: Sequence[Device]) -> list[Standing]:
    """In their order; in two queries, however many they are."""
    living = Agent.objects.filter(device__in=devices, revoked=None).select_related("device", "served")
    agents = {each.device_id: each for each in living}
    waiting = defaultdict[UUID, list[Deployment]](list)
    for row in Deployment.objects.filter(device__in=devices, state=State.WAITING).defer("head").order_by("number"):
        waiting[row.device_id].append(row)
    return [_standing(device, agents.get(device.pk), waiting[device.pk]) for device in devices]


def _standing(device: Device, agent: Agent | None, waiting: list[Deployment]) -> Standing:
    served = getattr(agent, "served", None)
    return Standing(device, agent, served, waiting, _cannot(device, agent, served))


def _cannot(device: Device, agent: Agent | None, served: Served | None) -> str:
    if device.retired:
        return RETIRED.format(device=device)
    if agent is None:
        return NO_AGENT.format(device=device)
    if served is None:
        return (TOO_OLD if agent.has_spoken else NOT_HEARD).format(device=device)
    return served.cannot or _of_key(device, served)


def _of_key(device: Device, served: Served) -> str:
    try:
        mine = signing.fingerprint()
    except Conflict as why:
        return str(why)
    return "" if served.key == mine else OTHER_KEY.format(device=device)
