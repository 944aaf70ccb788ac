"""Plans in order: the cheapest first, one after the other, as long as somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from worker.partitioning.planner.problem import DEAREST, NEVER, Ints
from worker.partitioning.planner.sweep import Field


class Run(NamedTuple):
    """Blocks first .. stop - 1 on one resource."""

    resource: int
    first: int
    stop: int


Path = tuple[Run, ...]
# A place where something is chosen: ("start",), ("run", resource, first) or ("hop", resource, stop).
Place = tuple[str, int, int]
START: Place = ("start", -1, 0)


class Ranked(NamedTuple):
    """A plan as the search finds it."""

    cost: int
    path: Path


def ranked(field: Field) -> Iterator[Ranked]:
    """Every allowed plan once, by cost; equal ones by what runs on earlier resources for longer.

    At each place of a plan the ways on are ordered by what the rest costs at least; a plan is named by the rank of its way on
    at each place. Its children take the next way at the last place where it left the best one, or the second best at a place
    behind it: each plan has one parent, which does not come after it (Lawler, 1972), so a heap of children yields all in order.
    """
    ways = _Ways(field)
    if not ways.at(START)[0]:
        return
    seen: list[tuple[int, tuple[int, ...], int, int, list[Place]]] = []
    cost, places = ways.at(START)[0][0], ways.rest(START)
    heappush(seen, (cost, _key(places), 0, 0, places))
    while seen:
        cost, _, turned, rank, places = heappop(seen)
        yield Ranked(cost, path_of(places))
        for place in range(turned, len(places) - 1):
            now = rank if place == turned else 0
            costs, on = ways.at(places[place])
            if now + 1 < len(costs):
                child = [*places[:place + 1], *ways.rest(on[now + 1])]
                heappush(seen, (cost + costs[now + 1] - costs[now], _key(child), place, now + 1, child))


class _Ways:
    """The ways on from each place, cheapest first, found when first asked for."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.known: dict[Place, tuple[list[int], list[Place]]] = {}
        self.rests: dict[Place, list[Place]] = {}

    def at(self, place: Place) -> tuple[list[int], list[Place]]:
        """What the rest costs by each way on, and where that leads; none where a plan ends."""
        found = self.known.get(place)
        if found is None:
            found = self.known[place] = self._ordered(place)
        return found

    def rest(self, place: Place) -> list[Place]:
        """This place and all behind it, by the best ways."""
        found = self.rests.get(place)
        if found is None:
            on = self.at(place)[1]
            found = self.rests[place] = [place, *self.rest(on[0])] if on else [place]
        return found

    def _ordered(self, place: Place) -> tuple[list[int], list[Place]]:
        kind, resource, at = place
        field = self.field
        if kind == "start":
            return _sorted(field.first, [("run", r, 0) for r in range(len(field.run))])
        if kind == "run":
            stop = int(field.ends[resource, at])
            costs = field.total[resource, at + 1:stop + 1] - field.total[resource, at] + field.after[resource, at + 1:stop + 1]
            # Of equal ones the longer run comes first.
            return _sorted(costs[::-1], [("hop", resource, end) for end in range(stop, at, -1)])
        if at == field.run.shape[1] - 1:
            return [], []
        costs = np.where(field.tiers > field.tiers[resource], field.hops[at, resource] + field.run[:, at], NEVER)
        return _sorted(costs, [("run", r, at) for r in range(len(field.run))])


def _sorted(costs: Ints, on: list[Place]) -> tuple[list[int], list[Place]]:
    order = np.argsort(costs, kind="stable")
    order = order[costs[order] < DEAREST]
    return costs[order].tolist(), [on[i] for i in order.tolist()]


def _key(places: list[Place]) -> tuple[int, ...]:
    """Orders plans as their resources block by block do: a longer run stays on the earlier resource for longer."""
    return tuple(number for kind, resource, at in places if kind == "hop" for number in (resource, -at))


def key_of(path: Path) -> tuple[int, ...]:
    return tuple(number for run in path for number in (run.resource, -run.stop))


def path_of(places: list[Place]) -> Path:
    firsts = [(resource, at) for kind, resource, at in places if kind == "run"]
    stops = [at for kind, _, at in places if kind == "hop"]
    return tuple(Run(resource, first, stop) for (resource, first), stop in zip(firsts, stops, strict=True))
