"""The fleet of a federated run: what was typed of clients and edge servers, and where nothing was, what the registry knows.

A client's or server's speed is that of its newest profile: multiply-accumulates of a pass over its seconds. Its link is the
team's link to its edge server, of which a message takes half the round trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from worker.evidence import Evidence
from worker.planning.fleets import Client, Edge

MOST_NAMED = 4
NO_SPEED = "How fast {who} trains is not known: say it behind the name, such as '{first}: 0.5 GMAC/s', or profile it."
NO_LINK = ("The link of {who} is not known: say it behind the name, such as '{first}: 20 Mbit/s, 5 ms', or on the page of links "
           "for devices of these names.")


@dataclass(frozen=True)
class Speed:
    """What a client and its link can do: multiply-accumulates a second, Mbit/s, milliseconds one way."""

    macs_per_s: float
    mbps: float
    latency_ms: float

    def sends(self, size_bytes: float) -> float:
        """Seconds of a message."""
        return self.latency_ms / 1e3 + 8 * size_bytes / (self.mbps * 1e6)


@dataclass(frozen=True)
class Placed:
    """A client with all that was typed or known, and the edge server that it begins with. `measured`: its speed comes from a
    profile."""

    name: str
    speed: Speed
    edge: str
    share: float | None
    measured: bool


@dataclass(frozen=True)
class Server:
    name: str
    macs_per_s: float
    slots: int
    measured: bool


@dataclass(frozen=True)
class Fleet:
    clients: tuple[Placed, ...]
    servers: tuple[Server, ...]

    def server(self, name: str) -> Server:
        return next(each for each in self.servers if each.name == name)

    def at(self, homes: Mapping[str, str]) -> Fleet:
        """The same, with clients at other edge servers: `homes` by the clients' names."""
        return replace(self, clients=tuple(replace(each, edge=homes.get(each.name, each.edge)) for each in self.clients))


def lacking(clients: Sequence[Client], edges: Sequence[Edge], evidence: Evidence) -> dict[str, str]:
    """What nobody said and nobody measured, by field."""
    slow = [each.name for each in edges if _speed_of(each, evidence) is None]
    if slow:
        return {"edges": _told(NO_SPEED, slow)}
    slow = [each.name for each in clients if _speed_of(each, evidence) is None]
    unlinked = [each.name for each in clients if None in _link(each, edges, evidence)]
    return {"clients": _told(NO_SPEED, slow) if slow else _told(NO_LINK, unlinked)} if slow or unlinked else {}


def fleet(clients: Sequence[Client], edges: Sequence[Edge], evidence: Evidence) -> Fleet:
    """ValueError in the words of `lacking` where something is not known."""
    if found := lacking(clients, edges, evidence):
        raise ValueError(" ".join(found.values()))
    return Fleet(tuple(_placed(each, edges, evidence) for each in clients),
                 tuple(Server(each.name, _known(_speed_of(each, evidence)), each.slots, each.macs_per_s is None)
                       for each in edges))


def _placed(client: Client, edges: Sequence[Edge], evidence: Evidence) -> Placed:
    mbps, latency_ms = map(_known, _link(client, edges, evidence))
    return Placed(client.name, Speed(_known(_speed_of(client, evidence)), mbps, latency_ms), client.edge or edges[0].name,
                  client.share, client.macs_per_s is None)


def _known(value: float | None) -> float:
    assert value is not None
    return value


def _speed_of(each: Client | Edge, evidence: Evidence) -> float | None:
    if each.macs_per_s is not None:
        return each.macs_per_s
    ids = {device.id for device in evidence.devices if device.name == each.name}
    for seen in evidence.profiles:
        macs = sum(block.macs or 0 for block in seen.profile.blocks)
        if seen.device in ids and macs and seen.profile.total_s:
            return macs / seen.profile.total_s
    return None


def _link(client: Client, edges: Sequence[Edge], evidence: Evidence) -> tuple[float | None, float | None]:
    """Mbit/s and milliseconds one way, each as typed or as the registry's link has it."""
    ids = {device.id: device.name for device in evidence.devices}
    ends = (client.name, client.edge or edges[0].name)
    link = next((each for each in evidence.links
                 if (ids.get(each.sender, each.sender), ids.get(each.receiver, each.receiver)) == ends), None)
    mbps = client.mbps if client.mbps is not None else link.bandwidth_mbps if link else None
    known_ms = link.latency_ms / 2 if link else None if client.mbps is None else 0.0
    return mbps, client.latency_ms if client.latency_ms is not None else known_ms


def _told(sentence: str, names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
    return sentence.format(who=", ".join(found[:MOST_NAMED]) + more, first=found[0])
