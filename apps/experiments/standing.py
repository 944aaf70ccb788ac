"""The parts of a run that stand on boards, as its plan or its clients name them: looked up with the person's rights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.devices.models import Agent, Device
from apps.experiments.placing import DEVICES, LEAD, PART
from apps.experiments.studies import Asked
from worker import menu
from worker.params import Params, ReferenceKind
from worker.recipe import Board, Recipe

MOST_PARTS, MOST_TOLD = 16, 5
LACKS = ("{device} has no {package}: its agent came without what training needs, or is too old to say that it is there. See "
         "'Boards that learn' in the documentation of devices.")
Things = dict[str, tuple[ReferenceKind, Any]]


def placed(user: User, team: Team, every: Sequence[Asked], things: Sequence[Things]) -> list[Things]:
    """The things of each run with the devices on which its parts stand, as `part 1` (its lead), `part 2` and so on.

    Where this computer leads there is no `part 1`: a worker runs it.
    """
    named = [hosts_of(recipe, params) for recipe, params in every]
    wanted = {name for names in named for name in names}
    if not wanted:
        return list(things)
    for (recipe, params), names in zip(every, named, strict=True):
        if names and recipe.board and (wrong := recipe.board.refuse(params)):
            raise Refused(wrong)
    rows = DEVICES.visible_to(user).usable_by(team)
    there = known(rows, team, wanted)
    if unknown := next((name for name in sorted(wanted) if name not in there and not _is_here(name, None)), ""):
        first = next(recipe.board for (recipe, _), names in zip(every, named, strict=True) if unknown in names and recipe.board)
        _refuse(first, f"There is no device {unknown[:120]} that this team may run on. {_boards(rows)}")
    agents = {agent.device_id: agent for agent in Agent.objects.filter(device__in=there.values(), revoked=None)}
    return [given | _parts(recipe, names, there, agents) for given, (recipe, _), names in zip(things, every, named, strict=True)]


def hosts_of(recipe: Recipe, params: Params) -> tuple[str, ...]:
    """The names of the devices that the parts of a run stand on, the lead first; none where all of it runs in one place."""
    return recipe.board.hosts(params) if recipe.board else ()


def is_star(recipe: str) -> bool:
    """Whether a run of it speaks with each of its boards by itself, and goes on without one that is not there."""
    found = menu.find(recipe)
    return found is not None and found.board is not None and found.board.is_star


def known(rows: QuerySet[Device], team: Team, names: Collection[str]) -> dict[str, Device]:
    """By name: the team's own before those that others share."""
    found = rows.filter(Q(name__in=names) | Q(host__in=names)).order_by("created")
    in_order = sorted(found, key=lambda each: each.team_id == team.pk)
    return {name: device for device in in_order for name in (device.host, device.name) if name in names}


def _parts(recipe: Recipe, names: tuple[str, ...], there: Mapping[str, Device], agents: Mapping[Any, Agent]) -> Things:
    if not names or recipe.board is None:
        return {}
    board = recipe.board
    if len(names) > MOST_PARTS:
        _refuse(board, f"At most {MOST_PARTS} parts stand on boards; this plan has {len(names)}.")
    if board.is_star and names[0] in names[1:]:
        _refuse(board, f"{names[0][:1].upper()}{names[0][1:]} leads the run and is no board: let an agent join on it, as a "
                       "board, to have it take part.")
    if len(set(names)) < len(names):
        _refuse(board, "Each part stands on a board of its own; this plan names one twice.")
    found: Things = {}
    for place, name in enumerate(names, start=1):
        if place == 1 and _is_here(name, there.get(name)):
            continue
        device = there.get(name)
        if device is None:  # This computer, behind the first part.
            _refuse(board, f"There is no device {name[:120]} that this team may run on.")
        elif wrong := unfit(device, agents.get(device.pk), board):
            _refuse(board, wrong)
        found[f"{PART}{place}"] = ("device", device)
    return found


def _boards(rows: QuerySet[Device]) -> str:
    """Which there are, the first few by name."""
    names = list(rows.filter(host="", retired=False).order_by("name").values_list("name", flat=True)[:MOST_TOLD + 1])
    if not names:
        return "It has no board yet: add one on the page of devices."
    more = " and others" if len(names) > MOST_TOLD else ""
    return f"Its boards: {', '.join(names[:MOST_TOLD])}{more}."


def _is_here(name: str, device: Device | None) -> bool:
    return name == "this computer" or (device is not None and device.host == settings.HOST)


def unfit(device: Device, agent: Agent | None, board: Board | None = None) -> str:
    """Why a part cannot stand there now, in a sentence; empty where it can. `board`: what the recipe asks of it."""
    is_star = board is not None and board.is_star
    if device.host and is_star:
        return f"{device} is a computer with a worker, not a board: let an agent join on it, as a board, to have it take part."
    if device.host:
        return (f"{device} is a computer with a worker: of a plan's parts only the first may run on this computer. To host "
                "another part there, let an agent join on it, as a board of tier edge or cloud.")
    if device.retired:
        return f"{device} is retired: nothing begins on it until somebody brings it back."
    if agent is None:
        return f"No agent lives on {device}: add it as a board on the page of devices."
    if not agent.can_host:
        return (f"The agent of {device} (version {agent.version or 'not said'}) is too old for slices: update it on the page of "
                "the device.")
    if lacking := [each for each in (board.needs if board else ()) if each not in device.runtimes]:
        return LACKS.format(device=device, package=lacking[0])
    if device.state in ("contact lost", "never seen") and is_star:
        return f"{device} is offline: it was not heard lately, and boards that are to take part must be there when it begins."
    if device.state in ("contact lost", "never seen"):
        return f"{device} is offline: it was not heard lately, and the parts of a plan must stand on boards that are there."
    if device.draining:
        return f"{device} is draining: nothing new begins on it until it is told to take work again."
    return ""


def lead_and_others(fields: Mapping[str, Any]) -> list[tuple[int, Any]]:
    """(part, thing) of the parts that stand on boards beside the lead, in their order."""
    numbered = [(int(field.removeprefix(PART)), thing) for field, thing in fields.items()
                if field.startswith(PART) and field != LEAD]
    return sorted(numbered, key=lambda each: each[0])


def _refuse(board: Board, sentence: str) -> None:
    raise Refused({board.named_by: sentence})
