"""What a plan rests on, of all that is known: devices in their order, the profile that speaks for each, and their links."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.evidence import DeviceFacts, Evidence, LinkFacts
from worker.planning import rules
from worker.planning.offers import Offer, OfferAsked
from worker.planning.question import MOST_DEVICES, TIERS, Place, Question, Range, Road
from worker.profile import NetworkProfile

MOST_SAID = 12
TOO_FEW = ("A plan is made between two devices at least, and only {name} has a profile of {network}: measure it block by block "
           "on another (recipe Layers), let it be predicted there (recipe Prediction), or bring a profile in a file.")
NO_LINK = ("No link leads from {name}, which holds the input, to a device of a higher tier that has a profile of {network}: say "
           "what lies between them on the page of links, in a terminal in a file that --links names.")


@dataclass(frozen=True)
class Basis:
    """The first device, of the lowest tier, holds the input. `names`: by id, each its own. `beside`: devices too many.

    `offers`: transfer layers of the network.
    """

    network: str
    devices: tuple[DeviceFacts, ...]
    names: Mapping[str, str]
    profiles: Mapping[str, NetworkProfile]
    links: tuple[LinkFacts, ...]
    beside: int = 0
    offers: tuple[OfferAsked, ...] = ()

    def question(self, *, ranged: Range | None = None, **asked: Any) -> Question:
        """What the planner is asked, each profile under its device's id."""
        return Question(
            network=self.network, range=ranged, offers=self.offers, **asked,
            places=tuple(Place(device=self.names[each.id], tier=tier(each), profile=each.id) for each in self.devices),
            roads=tuple(Road(sender=self.names[each.sender], receiver=self.names[each.receiver], latency_ms=each.latency_ms,
                             bandwidth_mbps=each.bandwidth_mbps) for each in self.links))


def tier(device: DeviceFacts) -> int:
    """Of a device whose tier nobody said, the sensor's."""
    return TIERS.index(device.tier) if device.tier in TIERS else 0


def networks(evidence: Evidence) -> list[str]:
    return sorted({each.profile.network for each in evidence.profiles})


def basis(evidence: Evidence, network: str, wanted: Sequence[str] = ()) -> Basis:
    """The wanted devices, by their names, or all that have a profile of the network; by tier, then as wanted or named."""
    named = _named(evidence, network)
    spoken = _speaking(evidence, network, list(named))
    place = {name: at for at, name in enumerate(wanted)}
    devices = [each for each in (evidence.device(key) or DeviceFacts(id=key, name=key) for key in named)
               if not wanted or named[each.id] in place]
    devices.sort(key=lambda each: (tier(each), place.get(named[each.id], 0)))
    here = {each.id for each in devices[:MOST_DEVICES]}
    return Basis(network, tuple(devices[:MOST_DEVICES]), {key: name for key, name in named.items() if key in here},
                 {key: profile for key, profile in spoken.items() if key in here},
                 tuple(each for each in evidence.links if {each.sender, each.receiver} <= here and each.sender != each.receiver),
                 len(devices) - len(here), tuple(offered(evidence, each) for each in evidence.offers if each.network == network))


def offered(evidence: Evidence, offer: Offer) -> OfferAsked:
    """With what the network takes where the offer was measured, whether or not that device is planned with."""
    ids = {each.id for each in evidence.devices if each.name == offer.device} or {offer.device}
    there = [each.profile for each in evidence.profiles if each.device in ids and each.profile.network == offer.network]
    return OfferAsked(offer=offer, reference_s=there[0].total_s if there else None)


def _named(evidence: Evidence, network: str) -> dict[str, str]:
    """The devices with a profile of it, by tier and name; one that is called as another is (a shared one) gets a number."""
    keys = dict.fromkeys(each.device for each in evidence.profiles if each.profile.network == network)
    known = [evidence.device(key) or DeviceFacts(id=key, name=key) for key in keys]
    seen: dict[str, int] = {}
    names = {}
    for each in sorted(known, key=lambda each: (tier(each), each.name, each.id)):
        seen[each.name] = seen.get(each.name, 0) + 1
        names[each.id] = each.name if seen[each.name] == 1 else f"{each.name[:110]} ({seen[each.name]})"
    return names


def _speaking(evidence: Evidence, network: str, order: Sequence[str]) -> dict[str, NetworkProfile]:
    """For each device one profile: measured like the first device's before others, measured before predicted, new before old."""
    found: dict[str, NetworkProfile] = {}
    leader: tuple[Any, ...] | None = None
    for device in order:
        mine = [each.profile for each in evidence.profiles if each.device == device and each.profile.network == network]
        found[device] = max(mine, key=lambda each: (_like(each) == leader, each.origin == "measured"))
        leader = leader or _like(found[device])
    return found


def _like(profile: NetworkProfile) -> tuple[Any, ...]:
    return profile.engine, profile.threads, profile.batch, profile.sha256


def faults(evidence: Evidence, network: str, wanted: Sequence[str] = (), asked: Sequence[str] = ()) -> dict[str, str]:
    """Why no plan can be made, in a sentence for a field of what was asked: model, devices, rules, or nothing for the whole."""
    known = networks(evidence)
    if network not in known:
        close = difflib.get_close_matches(network, known, n=1)
        return {"model": f"No device has a profile of {network}; there are profiles of {_some(known)}"
                         f"{f' (did you mean {close[0]}?)' if close else ''}."}
    here = _named(evidence, network)
    if missing := [name for name in wanted if name not in here.values()]:
        return {"devices": f"{missing[0]} is none of the devices with a profile of {network}: {_some(list(here.values()))}."}
    rests = basis(evidence, network, wanted)
    if strange := next(_strange(rests, asked), ""):
        return {"rules": strange}
    first = rests.devices[0]
    if len(rests.devices) == 1:
        return {"devices" if wanted else "": TOO_FEW.format(name=rests.names[first.id], network=network)}
    tiers = {each.id: tier(each) for each in rests.devices}
    if not any(each.sender == first.id and tiers[each.receiver] > tiers[first.id] for each in rests.links):
        return {"": NO_LINK.format(name=rests.names[first.id], network=network)}
    return {}


def _strange(rests: Basis, asked: Sequence[str]) -> Iterator[str]:
    names = list(rests.names.values())
    for line in asked:
        where = rules.read(line).where
        if where and where not in (*TIERS, rules.ALL, *names):
            yield f"{line}: {where} is neither a tier ({', '.join(TIERS)}) nor one of the devices: {_some(names)}."


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_SAID
    return f"{', '.join(names[:MOST_SAID])} and {more} more" if more > 0 else ", ".join(names) or "nothing"
