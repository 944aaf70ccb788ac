"""What the planner's templates and its script are told of what an address shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.http import HttpRequest, QueryDict

from apps.accounts import teams
from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.devices.colours import places
from apps.plans.asking_page import SILENCE
from apps.plans.planner_bars import Drawn, drawn
from apps.plans.planner_form import ENDS, UNITS, VARYING, Sheet, TierShown, WayShown, written
from apps.plans.relays import Relays, of_answer
from apps.plans.wanted import Wanted
from worker.planning import Answer
from worker.planning.answer import NOT_RUN
from worker.planning.rules import EXAMPLES


@dataclass(frozen=True)
class Looked:
    """What an address shows: the form, and what came of asking."""

    sheet: Sheet
    wanted: Wanted | None = None
    answer: Answer | None = None
    silent: bool = False
    late: bool = False
    too_long: str = ""


class Dial(NamedTuple):
    """A number of a link: what it is, what the team keeps, where its slider begins and ends."""

    name: str
    word: str
    value: str
    kept: str
    unit: str
    low: str
    high: str


def asked(query: QueryDict) -> QueryDict:
    """Without the words that are the page's own."""
    told = query.copy()
    for name in ("part", "csrfmiddlewaretoken"):
        told.pop(name, None)
    return told


def address(found: Sheet) -> str:
    """The address of what is looked at: as it was typed where it cannot be read."""
    try:
        return Wanted.from_query(asked(found.query)).query()
    except Refused:
        return asked(found.query).urlencode(safe=",")


def context(request: HttpRequest, team: Team, looked: Looked) -> dict[str, Any]:
    found = looked.sheet
    query = address(found) if found.known else ""
    told: dict[str, Any] = {"sheet": found, "silent": looked.silent, "query": query, "silence": SILENCE,
                            "too_long": looked.too_long,
                            "may_save": teams.may_edit(teams.person(request), team)}
    colours = places(team, [each.name for each in found.on]) if found.on else {}
    told["colours"] = colours
    shown = drawn(team, looked.answer, found, colours) if looked.answer else None
    told |= {"drawn": shown, "relays": relays_of(looked), "not_run": NOT_RUN, "examples": EXAMPLES,
             "tiers": [tier_shown(tier, found, colours, shown) for tier in found.tiers],
             "more_opens": found.is_unusual or bool(shown and not shown.answer.input_bytes)}
    told["state"] = state(found, looked, shown, query)
    return told


def relays_of(looked: Looked) -> Relays:
    return of_answer(looked.answer, looked.sheet.names) if looked.answer else Relays()


def state(found: Sheet, looked: Looked, shown: Drawn | None, query: str) -> dict[str, Any]:
    """What the page's script reads of a part."""
    of_ways = {way.key: {"faults": list(way.faults), "tried": way.is_tried} for way in found.ways}
    return {"query": query, "faults": dict(found.faults), "ways": of_ways, "silent": looked.silent, "late": looked.late,
            "too_long": looked.too_long,
            "used": sorted(shown.ways) if shown else [],
            "verdict": (looked.answer.verdict or looked.answer.sorry) if looked.answer else looked.too_long}


def tier_shown(tier: TierShown, found: Sheet, colours: Mapping[str, int], shown: Drawn | None) -> dict[str, Any]:
    """A tier's devices and their ways as the form draws them: a way that the best plan takes, or that is tried, is open."""
    used = shown.ways if shown else frozenset()
    known = [way for way in found.ways if way.is_known]
    first = known[0] if known and not any(way.key in used for way in known) else None
    devices = [{"device": each, "place": colours.get(each.name, 7), "is_on": each in found.on, "is_used": str(each.pk) in used,
                "holds": each == found.holder, "is_idle": each in found.idle,
                "ways": [way_shown(way, way.key in used, way == first) for way in found.ways if way.source == each]}
               for each in tier.devices]
    return {"name": tier.name, "devices": devices}


def way_shown(way: WayShown, is_used: bool, is_first: bool) -> dict[str, Any]:
    told = {name: getattr(way, name) for name in ("source", "target", "kept", "origin", "key", "is_known", "is_tried", "faults",
                                                  "latency_ms", "bandwidth_mbps")}
    return {**told, "is_used": is_used, "opens": is_used or is_first or way.is_tried or bool(way.faults), "dials": dials(way)}


def dials(way: WayShown) -> list[Dial]:
    """Its two numbers, each with what the team keeps and the ends of its slider."""
    values = {"mbps": ("bandwidth", way.bandwidth_mbps, way.kept.bandwidth_mbps if way.kept else None),
              "ms": ("latency", way.latency_ms, way.kept.latency_ms if way.kept else None)}
    return [Dial(name, VARYING[kind], value, "" if kept is None else written(kept), UNITS[kind], *map(written, ENDS[kind]))
            for name, (kind, value, kept) in values.items()]
