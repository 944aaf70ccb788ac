"""Where a run is executed: on a worker of the portal, or on a board whose agent pulls it; refused where nobody could do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from apps.accounts.refusal import Refused
from apps.devices.models import Agent, Device
from apps.experiments.studies import Asked
from worker.params import Params, ReferenceKind
from worker.recipe import Recipe

PREPARED_ON = "cpu"
# How the devices are called on which parts of a run stand; the first of them is where it is executed.
PART = "part "
LEAD = "part 1"
Things = Mapping[str, tuple[ReferenceKind, Any]]
HAS_AGENT = Exists(Agent.objects.filter(device=OuterRef("pk"), revoked=None))
# Devices, each with whether an agent lives on it.
DEVICES = Device.objects.annotate(has_agent=HAS_AGENT)


def device_of(recipe: Recipe, things: Things) -> tuple[str, Device | None]:
    """The device that a run is executed on, and the field that names it: of recipes that measure where they run."""
    named = [(field, thing) for field, (kind, thing) in things.items() if kind == "device" and not field.startswith(PART)]
    if LEAD in things:
        named = [(LEAD, things[LEAD][1])]
    return named[0] if named and recipe.measures_where_it_runs else ("", None)


def able(recipe: Recipe) -> Q:
    """The devices that a recipe can measure on, less this computer, which is what an empty choice means."""
    if not recipe.measures_where_it_runs:
        return Q()
    other_hosts = ~Q(host="") & ~Q(host=settings.HOST)
    return other_hosts | Q(Q(host=""), HAS_AGENT) if recipe.board else other_hosts


def board_of(recipe: Recipe, things: Things) -> Device | None:
    """The board whose agent will measure; None where a worker of the portal runs all of it."""
    _, device = device_of(recipe, things)
    return None if device is None or device.host else device


def queue_of(recipe: Recipe, things: Things) -> str:
    """A run for a board is prepared first, where torch is; what needs quiet goes to the queue of its computer."""
    _, device = device_of(recipe, things)
    if device is not None and not device.host:
        return PREPARED_ON
    if not recipe.needs_quiet:
        return PREPARED_ON
    return device.queue if device is not None else str(settings.BENCH_QUEUE)


def refuse_nowhere(every: Sequence[Asked], things: Sequence[Things]) -> None:
    """Refuse what nobody could run, in one sentence at the field that names the device, or the engine."""
    for (recipe, params), given in zip(every, things, strict=True):
        field, device = device_of(recipe, given)
        if device is not None and (wrong := _wrong(recipe, params, field, device)):
            raise Refused(wrong)


def _wrong(recipe: Recipe, params: Params, field: str, device: Any) -> dict[str, str]:
    if device.retired:
        return {field: f"{device} is retired: nothing is measured on it any more."}
    if device.host:
        return {}
    if not device.has_agent:
        return {field: f"Nobody can measure on {device}: no agent lives on it and no worker runs there. Add it as a board on "
                       "the page of devices."}
    if recipe.board is None:
        return {field: f"{device} is a board, which has no torch; {recipe.title} needs it. Choose a computer with a worker."}
    return recipe.board.refuse(params)
