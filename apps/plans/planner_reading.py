"""What an address or a form says, read over what the team knows: the sheet that the planner shows and asks with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import floor, log10
from typing import Any
from uuid import UUID

from django.http import QueryDict

from apps.accounts.models import Team, User
from apps.plans import layers
from apps.plans.choosing import Candidate, NetworkKnown, candidates, networks, of_person
from apps.plans.planner_form import ENDS, Sheet, WayShown, number, written
from apps.plans.questions import Lane, Way
from apps.plans.wanted import typed

MISSING = "Say both the round trip and the bandwidth of this link, or leave both empty."
NOBODY_TICKED = "Tick at least one device."
MOST_TYPED = 40
MOST_WAYS = 60
# The axis of who wins where all links vary alike: a factor.
ALL_ENDS = (0.01, 100.0)
# A link's number beyond these is refused at its field; the axis need not reach there.
LEAST, MOST = 1e-6, 1e6


def sheet(user: User, team: Team, query: QueryDict, *, listed: bool = True) -> Sheet:
    """What an address or a form says, over what the team knows. `listed`: with all networks that could be chosen."""
    known_networks = networks(user, team) if listed or not query.get("network") else []
    network = query.get("network", "").replace("\x00", "")[:120] or (known_networks[0].name if known_networks else "")
    return of(user, team, network, query, known_networks)


def of(user: User, team: Team, network: str, query: QueryDict, known_networks: Sequence[NetworkKnown] = ()) -> Sheet:
    told = query.copy()
    told["network"] = network
    found = candidates(user, team, network)
    read = replace(over(told, found, _kept(user, team, found), network, known_networks),
                   layers=layers.known(of_person(user, team), network))
    _take_range(told, read.ways)
    return read


def over(told: QueryDict, found: Sequence[Candidate], kept: Mapping[Way, tuple[Lane, str]], network: str = "",
         known_networks: Sequence[NetworkKnown] = ()) -> Sheet:
    """What `told` says of rules, devices and links, over these devices and what is kept of their links; puts it in order."""
    faults: dict[str, str] = {}
    _drop_rule(told)
    in_tiers = sorted(found, key=lambda each: each.tier)
    is_none = _take_devices(told, in_tiers, faults)
    known = _ordered(in_tiers, told.getlist("device"))
    chosen = frozenset[UUID]() if is_none else _chosen(known, told.getlist("device"))
    on = [each for each in known if each.pk in chosen and not each.away]
    ways = list(_ways(on, kept, told, faults))[:MOST_WAYS]
    _take_links(told, ways)
    return Sheet(network, known_networks, known, chosen, ways, told, faults)


def with_faults(found: Sheet, faults: Mapping[str, str]) -> Sheet:
    """The same with what turned out to be wrong, at the field that it is of."""
    of_links = {place: (each.get("source"), each.get("target")) for place, each in enumerate(typed(found.query)["links"])
                if isinstance(each, dict)}
    at_ways: dict[tuple[Any, Any], list[str]] = {}
    for name, text in faults.items():
        parts = name.split(".")
        if parts[0] == "links" and len(parts) > 1 and parts[1].isdigit() and int(parts[1]) in of_links:
            at_ways.setdefault(of_links[int(parts[1])], []).append(text)
    ways = [WayShown(way.source, way.target, way.kept, way.origin, way.latency_ms, way.bandwidth_mbps,
                     (*way.faults, *at_ways.get((str(way.source.pk), str(way.target.pk)), ()))) for way in found.ways]
    return replace(found, ways=ways, faults={**found.faults, **faults})


def _ordered(known: Sequence[Candidate], named: Sequence[str]) -> list[Candidate]:
    """By tier; of the lowest the one named first holds the input, and stands first. All others keep their places."""
    on = {str(each.pk): each.tier for each in known if str(each.pk) in named}
    lowest = min(on.values(), default=0)
    holder = next((text for text in named if on.get(text) == lowest), "")
    return sorted(known, key=lambda each: (each.tier, str(each.pk) != holder))


def _chosen(known: Sequence[Candidate], named: Sequence[str]) -> frozenset[UUID]:
    """Those that are named; all where none is."""
    return frozenset(each.pk for each in known if (str(each.pk) in named if named else not each.away))


def _kept(user: User, team: Team, known: Sequence[Candidate]) -> dict[Way, tuple[Lane, str]]:
    devices = [each.pk for each in known]
    rows = of_person(user, team).links.filter(source__in=devices, target__in=devices)
    values = rows.order_by().values_list("source", "target", "latency_ms", "bandwidth_mbps", "origin")
    return {(source, target): (Lane(latency, bandwidth), origin) for source, target, latency, bandwidth, origin in values}


def _drop_rule(told: QueryDict) -> None:
    dropped = told.pop("drop", [])
    if dropped:
        told.setlist("rule", [line for each in told.getlist("rule") for line in each.splitlines() if line.strip() not in dropped])


def _take_devices(told: QueryDict, known: Sequence[Candidate], faults: dict[str, str]) -> bool:
    """`first`: who shall hold the input from now on. All that are known are named by none being named; true where none is on."""
    form, first = bool(told.pop("form", [])), told.pop("first", [""])[-1]
    named = list(dict.fromkeys([*([first] if first else []), *told.getlist("device")]))
    usable = [str(each.pk) for each in known if not each.away]
    in_order = [str(each.pk) for each in _ordered(known, named) if str(each.pk) in named]
    is_all = in_order == usable and len(named) == len(usable)
    told.setlist("device", [] if is_all else named)
    if form and not named:
        faults["devices"] = NOBODY_TICKED
    return form and not named


def _ways(on: Sequence[Candidate], kept: Mapping[Way, tuple[Lane, str]], told: QueryDict,
          faults: dict[str, str]) -> Iterator[WayShown]:
    """Every way up that a plan may take, with its numbers as the form has them, else as the address tries them, else kept."""
    tried = {(each["source"], each["target"]): each for each in typed(told)["links"] if isinstance(each, dict)}
    for source in (each for each in on if each.tier > on[0].tier or each is on[0]):
        for target in (each for each in on if each.tier > source.tier):
            lane, origin = kept.get((source.pk, target.pk), (None, ""))
            own = tried.get((str(source.pk), str(target.pk)), {})
            plain = {"latency_ms": written(lane.latency_ms), "bandwidth_mbps": written(lane.bandwidth_mbps)} if lane else {}
            values = {name: _field(told, f"{word}.{source.pk}.{target.pk}", own.get(name, plain.get(name, "")))
                      for name, word in (("latency_ms", "ms"), ("bandwidth_mbps", "mbps"))}
            halves = sum(bool(text) for text in values.values())
            wrong = (MISSING,) if halves == 1 else ()
            if wrong:
                faults["links"] = MISSING
            yield WayShown(source, target, lane, origin, faults=wrong, **values)


def _field(told: QueryDict, name: str, otherwise: str) -> str:
    return str(told.get(name, ""))[:MOST_TYPED].replace("\x00", "").strip() if name in told else otherwise


def _take_links(told: QueryDict, ways: Sequence[WayShown]) -> None:
    """What is tried is named; what is as the team keeps it is not. Ways between devices that were unticked are kept in mind."""
    shown = {(str(way.source.pk), str(way.target.pk)) for way in ways}
    others = [text for text in told.getlist("link") if tuple(part.strip() for part in text.split(",")[:2]) not in shown]
    for name in [name for name in told if name.startswith(("ms.", "mbps."))]:
        del told[name]
    tried = [f"{way.source.pk},{way.target.pk},{way.latency_ms.replace(',', ';')},{way.bandwidth_mbps.replace(',', ';')}"
             for way in ways if way.is_tried and way.is_known]
    told.setlist("link", [*tried, *others])


def _take_range(told: QueryDict, ways: Sequence[WayShown]) -> None:
    """The field `over` of the form becomes the five words of an address; who says nothing looks at all links."""
    over = told.pop("over", [""])[-1]
    if over:
        for name in ("varying", "from", "to", "low", "high"):
            told.pop(name, None)
        kind, _, ends = over.partition(".")
        told["varying"] = kind if kind in ENDS else "bandwidth"
        source, _, target = ends.partition(".")
        if source and target:
            told["from"], told["to"] = source, target
    if not any(way.is_known for way in ways):
        return
    told.setdefault("varying", "bandwidth")
    way = next((way for way in ways if told.get("from") and way.key == f"{told.get('from')}.{told.get('to')}"), None)
    if told.get("from") and (way is None or not way.is_known):
        for name in ("from", "to", "low", "high"):
            told.pop(name, None)
    low, high = _ends(str(told.get("varying")), way)
    told.setdefault("low", written(low))
    told.setdefault("high", written(high))


def _ends(varying: str, way: WayShown | None) -> tuple[float, float]:
    """Where the axis begins and ends: wide enough for what the link is now."""
    if way is None:
        return ALL_ENDS
    low, high = ENDS.get(varying, ENDS["bandwidth"])
    typed_in = number(way.bandwidth_mbps if varying == "bandwidth" else way.latency_ms) or low
    now = min(max(typed_in, LEAST), MOST) if typed_in > 0 else low
    return min(low, 10.0 ** floor(log10(now))), max(high, 10.0 ** floor(log10(max(now, 1.0)) + 1))
