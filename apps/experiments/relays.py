"""Which hops of a plan the portal would relay if it ran on boards now, said before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from apps.accounts.models import Team
from apps.devices.models import Agent, Device
from apps.experiments import standing
from worker.params import Params
from worker.planning.answer import HopSaid, PlanSaid
from worker.recipe import Recipe

UNPREDICTED = "The way by the portal is not predicted: the time of such a hop is that of the link given."
# As it is said of one hop that a line of its own shows.
SHORT = "relayed by the portal"


def closed(devices: Collection[UUID]) -> frozenset[UUID]:
    """Those where an agent could keep a part but takes no connections: its owner opened no data port, or it is of tier device.

    One query. Where no agent lives nothing is said: no part of a plan can stand there.
    """
    rows = Agent.objects.filter(device__in=devices, revoked=None, can_host=True).select_related("device")
    return frozenset(agent.device_id for agent in rows if not agent.takes_tensors)


def said(sender: str, receiver: str) -> str:
    return f"{sender} → {receiver} is {SHORT}, as {receiver} takes no connections"


def note(ways: Iterable[tuple[str, str]]) -> str:
    """In sentences, each way once; nothing of no way."""
    told = "; ".join(said(*way) for way in dict.fromkeys(ways))
    return f"Run on boards, {told}. {UNPREDICTED}" if told else ""


def forward(plans: Iterable[PlanSaid]) -> list[HopSaid]:
    """All hops but those of a result that goes back: it takes the way that is there."""
    return [hop for plan in plans for hop in plan.hops if hop.cut < plan.stages[-1].last]


def of_names(team: Team, plans: Sequence[PlanSaid]) -> str:
    """The note on plans that name the team's devices, as a run's do. As things stand now; two queries."""
    hops = forward(plans)
    known = standing.known(Device.objects.usable_by(team), team, {hop.receiver for hop in hops})
    shut = closed([device.pk for device in known.values()])
    return note((hop.sender, hop.receiver) for hop in hops if hop.receiver in known and known[hop.receiver].pk in shut)


def asked_for(team: Team | None, recipe: Recipe, values: Mapping[str, Any]) -> list[str]:
    """Sentences for a form as it stands; none where no part stands on a board, or where it cannot be read yet."""
    names = _hosts(recipe, values)
    if team is None or len(names) < 2:
        return []
    known = standing.known(Device.objects.usable_by(team), team, names)
    shut = closed([device.pk for device in known.values()])
    hops = [(names[0], name) for name in names[1:]] if standing.is_star(recipe.name) else pairwise(names)
    found = [f"{said(before, name)}." for before, name in hops if name in known and known[name].pk in shut]
    if standing.is_star(recipe.name):
        return found
    return [*found, UNPREDICTED] if found else []


def _hosts(recipe: Recipe, values: Mapping[str, Any]) -> Sequence[str]:
    if recipe.board is None:
        return ()
    told = {name: value for name, value in values.items() if value not in (None, "") and "\x00" not in str(value)}
    missing = {name: f"-{name}" for name in recipe.params.references() if name not in told}
    params = _read(recipe.params, missing | told)
    return standing.hosts_of(recipe, params) if params else ()


def _read(params: type[Params], values: Mapping[str, Any]) -> Params | None:
    """What is no value, as several of a sweep, counts as not said."""
    try:
        return params.model_validate(values)
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors() if each["loc"]} & values.keys()
        return _read(params, {name: value for name, value in values.items() if name not in wrong}) if wrong else None
