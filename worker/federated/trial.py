"""Where offloading points can be tried out before a round: the clock, with the devices and links as they are in that round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from worker.federated.clock import Job, round_times
from worker.federated.places import Place
from worker.federated.timing import Legs, legs
from worker.planning.fleet import Fleet

# A truncated round: enough for those who share a server to get into each other's way.
BATCHES = 5


@dataclass(frozen=True)
class Trial:
    """`rates`: Mbit/s of each client in this round, by name; `slow`: how many times as long each computes as usual."""

    fleet: Fleet
    places: tuple[Place, ...]
    batch: int
    rates: Mapping[str, float]
    slow: Mapping[str, float]

    def legs(self, client: int, place: int, images: int | None = None, edge: str = "") -> Legs:
        """Of a client, by its number, at an offloading point, by its number."""
        who = self.fleet.clients[client]
        speed = replace(who.speed, mbps=self.rates.get(who.name, who.speed.mbps),
                        macs_per_s=who.speed.macs_per_s / self.slow.get(who.name, 1.0))
        return legs(self.places[place], speed, self._speeds[edge or who.edge], images or self.batch)

    def seconds(self, cuts: Sequence[int]) -> list[float]:
        """Seconds a batch of each client at its offloading point, those that wait for each other included."""
        jobs = [Job(who.name, who.edge, (self.legs(number, cut),) * BATCHES)
                for number, (who, cut) in enumerate(zip(self.fleet.clients, cuts, strict=True))]
        if not any(server.slots for server in self.fleet.servers):
            return [job.legs[0].total_s for job in jobs]
        return [spent.ended_s / BATCHES for spent in round_times(jobs, self.slots)]

    def mbps(self) -> list[float]:
        return [self.rates.get(who.name, who.speed.mbps) for who in self.fleet.clients]

    @cached_property
    def _speeds(self) -> dict[str, float]:
        return {server.name: server.macs_per_s for server in self.fleet.servers}

    @property
    def slots(self) -> dict[str, int]:
        return {server.name: server.slots for server in self.fleet.servers}
