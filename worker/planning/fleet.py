"""The fleet of a federated run: what was typed of clients and edge servers, and where nothing was, what the registry knows.

A client's or server's speed is that of its newest profile: multiply-accumulates of a pass over its seconds. Its link is the
team's link to its edge server, of which a message takes half the round trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from worker.evidence import Evidence, LinkFacts
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


class _Known:
    """The newest speed of a device and the links between devices, by their names; looked up once for all of a fleet."""

    def __init__(self, evidence: Evidence) -> None:
        names = {device.id: device.name for device in evidence.devices}
        self.speeds, self.links = dict[str, float](), dict[tuple[str, str], LinkFacts]()
        for seen in evidence.profiles:  # the newest come first
            macs = sum(block.macs or 0 for block in seen.profile.blocks)
            if macs and seen.profile.total_s and seen.device in names:
                self.speeds.setdefault(names[seen.device], macs / seen.profile.total_s)
        for link in evidence.links:
            self.links.setdefault((names.get(link.sender, link.sender), names.get(link.receiver, link.receiver)), link)

    def speed(self, each: Client | Edge) -> float | None:
        return self.speeds.get(each.name) if each.macs_per_s is None else each.macs_per_s

    def link(self, client: Client, edges: Sequence[Edge]) -> tuple[float | None, float | None]:
        """Mbit/s and milliseconds one way, each as typed or as the registry's link has it."""
        link = self.links.get((client.name, client.edge or edges[0].name))
        mbps = client.mbps if client.mbps is not None else link.bandwidth_mbps if link else None
        known_ms = link.latency_ms / 2 if link else None if client.mbps is None else 0.0
        return mbps, client.latency_ms if client.latency_ms is not None else known_ms


def lacking(clients: Sequence[Client], edges: Sequence[Edge], evidence: Evidence) -> dict[str, str]:
    """What nobody said and nobody measured, by field."""
    known = _Known(evidence)
    slow = [each.name for each in edges if known.speed(each) is None]
    if slow:
        return {"edges": _told(NO_SPEED, slow)}
    slow = [each.name for each in clients if known.speed(each) is None]
    unlinked = [each.name for each in clients if None in known.link(each, edges)]
    return {"clients": _told(NO_SPEED, slow) if slow else _told(NO_LINK, unlinked)} if slow or unlinked else {}


def fleet(clients: Sequence[Client], edges: Sequence[Edge], evidence: Evidence, unknown: Speed | None = None) -> Fleet:
    """ValueError in the words of `lacking` where something is not known. `unknown`: what stands for that where nothing of the run
    rests on it."""
    known = _Known(evidence)
    if unknown:
        clients = [_filled(each, known.speed(each), known.link(each, edges), unknown) for each in clients]
        edges = [replace(each, macs_per_s=known.speed(each) or unknown.macs_per_s) for each in edges]
    if found := lacking(clients, edges, evidence):
        raise ValueError(" ".join(found.values()))
    servers = tuple(Server(each.name, _there(known.speed(each)), each.slots, each.macs_per_s is None) for each in edges)
    return Fleet(tuple(_placed(each, edges, known) for each in clients), servers)


def _filled(client: Client, macs_per_s: float | None, link: tuple[float | None, float | None], unknown: Speed) -> Client:
    mbps, latency_ms = link
    return replace(client, macs_per_s=macs_per_s or unknown.macs_per_s, mbps=mbps or unknown.mbps,
                   latency_ms=unknown.latency_ms if latency_ms is None else latency_ms)


def _placed(client: Client, edges: Sequence[Edge], known: _Known) -> Placed:
    mbps, latency_ms = map(_there, known.link(client, edges))
    return Placed(client.name, Speed(_there(known.speed(client)), mbps, latency_ms), client.edge or edges[0].name,
                  client.share, client.macs_per_s is None)


def _there(value: float | None) -> float:
    assert value is not None
    return value


def _told(sentence: str, names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
    return sentence.format(who=", ".join(found[:MOST_NAMED]) + more, first=found[0])
