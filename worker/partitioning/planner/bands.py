"""Which plan wins where: how long each stays best while links get faster or slower.

A plan's latency is a straight line over the slowness of links (bytes on their way over a bandwidth, or a wait), so the best of
all is the lower hull of such lines. Two plans that win at the ends of a range are tried where their lines cross: either none is
better there, and it is where one gives way to the other, or a third plan is, and both halves are asked in the same way (Eisner
and Severance, 1976). Each bend costs two sweeps, and none is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from worker.partitioning.planner.asking import best
from worker.partitioning.planner.constraints import Constraint
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem

Varying = Literal["bandwidth", "latency"]
ALIKE_S = 1e-9
Search = Callable[[Problem, Sequence[Constraint]], list[Plan]]


@dataclass(frozen=True)
class Band:
    """A plan that is best while links are `low` to `high` times as fast (bandwidth), or wait as many times as long (latency)."""

    low: float
    high: float
    plan: Plan


@dataclass(frozen=True)
class _Line:
    plan: Plan
    fixed_s: float
    varying_s: float

    def at(self, slowness: float) -> float:
        return self.fixed_s + slowness * self.varying_s


@dataclass(frozen=True)
class _World:
    problem: Problem
    asked: tuple[Constraint, ...]
    varying: Varying
    links: NDArray[np.bool_]
    search: Search

    def winner(self, slowness: float) -> _Line | None:
        found = self.search(self._with(slowness), self.asked)
        return self._line(found[0]) if found else None

    def _with(self, slowness: float) -> Problem:
        factor = np.where(self.links, slowness, 1.0)
        if self.varying == "latency":
            return replace(self.problem, latency_s=self.problem.latency_s * factor)
        return replace(self.problem, bytes_per_s=self.problem.bytes_per_s / factor)

    def _line(self, plan: Plan) -> _Line:
        """Times of the plan as the links are, in what varies and what does not."""
        places = {each.name: place for place, each in enumerate(self.problem.resources)}
        fixed, varying = plan.compute_s, 0.0
        for hop in plan.hops:
            link = places[hop.sender], places[hop.receiver]
            wait = float(self.problem.latency_s[link])
            way = hop.bytes / float(self.problem.bytes_per_s[link])
            moves, stays = (wait, way) if self.varying == "latency" else (way, wait)
            fixed += stays if self.links[link] else stays + moves
            varying += moves if self.links[link] else 0.0
        return _Line(plan, fixed, varying)


def bands(problem: Problem, asked: Iterable[Constraint] = (), *, varying: Varying = "bandwidth", low: float = 0.01,
          high: float = 100.0, links: NDArray[np.bool_] | None = None, search: Search | None = None) -> list[Band]:
    """The plans of least latency over factors from `low` to `high`, in their order; none where no plan keeps what is asked.

    links: R x R, which of them vary; left out: all. search: gives the best plan, if any; left out: the planner.
    Raises ValueError where the range is none.
    """
    if not 0 < low < high:
        raise ValueError(f"a range of factors goes from above 0 to something larger; got {low} to {high}")
    everywhere = np.ones_like(problem.latency_s, dtype=np.bool_)
    world = _World(problem, tuple(asked), varying, everywhere if links is None else links, search or _best)
    ends = (low, high) if varying == "latency" else (1 / high, 1 / low)
    first, last = (world.winner(end) for end in ends)
    if first is None or last is None:
        return []
    bends = [(ends[0], first), *_bends(world, ends[0], first, ends[1], last)]
    stops = [*(bend for bend, _ in bends[1:]), ends[1]]
    found = [(line.plan, begin, end) for (begin, line), end in zip(bends, stops, strict=True)]
    if varying == "latency":
        return [Band(begin, end, plan) for plan, begin, end in found]
    return [Band(1 / end, 1 / begin, plan) for plan, begin, end in reversed(found)]


def _best(problem: Problem, asked: Sequence[Constraint]) -> list[Plan]:
    return best(problem, asked, count=1)


def _bends(world: _World, begin: float, first: _Line, end: float, last: _Line) -> Iterator[tuple[float, _Line]]:
    """Where another plan takes over between these two, and which."""
    if first.varying_s - last.varying_s <= 0 or first.at(end) - last.at(end) <= ALIKE_S:
        return
    cross = min(max((last.fixed_s - first.fixed_s) / (first.varying_s - last.varying_s), begin), end)
    third = world.winner(cross)
    if third is None or first.at(cross) - third.at(cross) <= ALIKE_S:
        yield cross, last
        return
    yield from _bends(world, begin, first, cross, third)
    yield from _bends(world, cross, third, end, last)
