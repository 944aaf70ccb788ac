"""Where offloading points can be tried out before a round: the clock, with the devices and links as they are in that round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from worker.federated.clock import Job, round_times
from worker.federated.places import Place
from worker.federated.timing import Legs, legs
from worker.planning.fleet import Fleet

# A truncated round: enough for those who share a server to get into each other's way.
BATCHES = 5


@dataclass(frozen=True)
class Trial:
    """`rates`: Mbit/s of each client in this round, by name; `slow`: how many times as long each computes as usual;
    `sizes`: of each one's batches in a round, where they are known."""

    fleet: Fleet
    places: tuple[Place, ...]
    batch: int
    rates: Mapping[str, float]
    slow: Mapping[str, float]
    sizes: Mapping[int, Sequence[int]] = field(default_factory=dict)

    def legs(self, client: int, place: int, images: int | None = None, edge: str = "") -> Legs:
        """Of a client, by its number, at an offloading point, by its number."""
        who = self.fleet.clients[client]
        speed = replace(who.speed, mbps=self.rates.get(who.name, who.speed.mbps),
                        macs_per_s=who.speed.macs_per_s / self.slow.get(who.name, 1.0))
        return legs(self.places[place], speed, self._speeds[edge or who.edge], images or self.batch)

    def seconds(self, cuts: Sequence[int]) -> list[float]:
        """Seconds a batch of each client at its offloading point, those that wait for each other included; without the way of the
        weights, as FedAdapt's agent sees it."""
        own = [self.legs(number, cut).total_s for number, cut in enumerate(cuts)]
        return [seconds + queued for seconds, queued in zip(own, self._queued(cuts), strict=True)]

    def whole(self, cuts: Sequence[int]) -> list[float]:
        """Seconds of each client's whole round, the way of its part of the weights there and back included."""
        own = [self.alone(number, cut) for number, cut in enumerate(cuts)]
        return [seconds + len(self.sizes.get(number, (self.batch,))) * queued
                for number, (seconds, queued) in enumerate(zip(own, self._queued(cuts), strict=True))]

    def alone(self, client: int, place: int) -> float:
        """The same of one client where nobody is in its way."""
        if (client, place) not in self._known:
            sizes = Counter(self.sizes.get(client, (self.batch,)))
            total = sum(count * self.legs(client, place, size).total_s for size, count in sizes.items())
            self._known[client, place] = total + 2 * self.weights_s(client, self.places[place])
        return self._known[client, place]

    def _queued(self, cuts: Sequence[int]) -> list[float]:
        """Seconds a batch that each waits for others at its edge server."""
        if not any(server.slots for server in self.fleet.servers):
            return [0.0] * len(cuts)
        jobs = [Job(who.name, who.edge, (self.legs(number, cut),) * BATCHES)
                for number, (who, cut) in enumerate(zip(self.fleet.clients, cuts, strict=True))]
        return [spent.queue_s / BATCHES for spent in round_times(jobs, self.slots)]

    def weights_s(self, client: int, place: Place) -> float:
        """Seconds in which the device's part of the weights comes, or goes back."""
        who = self.fleet.clients[client]
        return replace(who.speed, mbps=self.rates.get(who.name, who.speed.mbps)).sends(place.device_bytes)

    @cached_property
    def _known(self) -> dict[tuple[int, int], float]:
        return {}

    def mbps(self) -> list[float]:
        return [self.rates.get(who.name, who.speed.mbps) for who in self.fleet.clients]

    @cached_property
    def _speeds(self) -> dict[str, float]:
        return {server.name: server.macs_per_s for server in self.fleet.servers}

    @property
    def slots(self) -> dict[str, int]:
        return {server.name: server.slots for server in self.fleet.servers}
