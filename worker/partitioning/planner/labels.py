"""Beginnings of plans, block by block: those are let go that cannot come out low enough, or that enough others beat.

Two beginnings that stand at the same block on the same resource have the same ways on. One that costs more than `count` others,
and uses no less of anything, begins none of the `count` best plans (label setting with dominance: Joksch, 1966; Desrochers and
Soumis, 1988). What is left is a few thousand beginnings at a time, where all of them would be millions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.partitioning.planner.problem import NEVER, Costs, Ints
from worker.partitioning.planner.ranking import Path, Ranked, Run
from worker.partitioning.planner.space import Space
from worker.partitioning.planner.sweep import Field

MOST_BEGINNINGS = 1_000_000
# Beginnings are held against each other when so many times as many are alive as were left the last time.
GROWTH, FEWEST = 2.0, 32
AT_ONCE = 256


class TooMany(ValueError):
    """So many plans are nearly alike that the best cannot be told from the others in reasonable time."""


@dataclass(frozen=True)
class Channel:
    """Something that adds up along a plan, and the most that it may come to."""

    costs: Costs
    field: Field
    most: int


@dataclass
class _Ways:
    """C channels, R resources, N blocks; by the block first, so that each step reads one piece.

    total: (N + 1) x C x R, running totals. hops: (N + 1) x C x R x R. run: (N + 1) x C x R, the least from a beginning there on.
    may_leave, may_stay: (N + 1) x C x R, the most that a beginning may have come to, its running total left out, so that it can
    end there, or go on.
    """

    channels: Sequence[Channel]
    total: Ints = field(init=False)
    hops: Ints = field(init=False)
    run: Ints = field(init=False)
    most: Ints = field(init=False)
    may_leave: Ints = field(init=False)
    may_stay: Ints = field(init=False)

    def __post_init__(self) -> None:
        fields = [channel.field for channel in self.channels]
        self.total, self.run, after = (np.stack([getattr(each, name).T for each in fields], axis=1)
                                       for name in ("total", "run", "after"))
        self.hops = np.stack([each.hops for each in fields], axis=1)
        self.most = np.array([channel.most for channel in self.channels])[:, None]
        self.may_leave = self.most - self.total - (self.hops + self.run[:, :, None, :]).min(axis=3)
        least = np.minimum.accumulate(np.minimum(self.total + after, NEVER)[::-1], axis=0)[::-1]
        self.may_stay = self.most - least


@dataclass
class _Alive:
    """n beginnings. sums: C x n, without the running total of their resource, so that they stay as they are from block to block.

    until: the last block (exclusive) that their run may reach. number: their row among all that were ever made.
    """

    sums: Ints
    place: Ints
    until: Ints
    number: Ints

    def only(self, which: NDArray[np.generic]) -> _Alive:
        return _Alive(self.sums[:, which], self.place[which], self.until[which], self.number[which])

    def and_(self, other: _Alive) -> _Alive:
        return _Alive(np.concatenate([self.sums, other.sums], axis=1), np.concatenate([self.place, other.place]),
                      np.concatenate([self.until, other.until]), np.concatenate([self.number, other.number]))

    def __len__(self) -> int:
        return len(self.place)


@dataclass
class _Search:
    """What was made so far: rows of (beginning before, resource, first block)."""

    ways: _Ways
    ends: Ints
    rows: list[Ints] = field(default_factory=list)
    made: int = 0

    def begun(self, parent: Ints, place: Ints, first: int, sums: Ints) -> _Alive:
        if self.made + len(place) > MOST_BEGINNINGS:
            raise TooMany(f"More than {MOST_BEGINNINGS:,} beginnings of plans are as good as each other; ask for less at once.")
        number = self.made + np.arange(len(place))
        self.made += len(place)
        self.rows.append(np.stack([parent, place, np.full(len(place), first)]))
        return _Alive(sums - self.ways.total[first].take(place, axis=1), place, self.ends[place, first], number)

    def at_start(self, source: int) -> _Alive:
        sums = self.ways.hops[0][:, source]
        place = np.flatnonzero((sums + self.ways.run[0] <= self.ways.most).all(axis=0))
        return self.begun(np.full(len(place), -1), place, 0, sums[:, place])

    def moved(self, alive: _Alive, cut: int) -> _Alive:
        """What ends here and begins elsewhere."""
        ways = self.ways
        some = np.flatnonzero((alive.sums <= ways.may_leave[cut].take(alive.place, axis=1)).all(axis=0))
        places = alive.place[some]
        sums = alive.sums[:, some] + ways.total[cut].take(places, axis=1)
        rest = (ways.hops[cut] + ways.run[cut][:, None, :]).take(places, axis=1)
        who, to = np.nonzero((sums[:, :, None] + rest <= ways.most[:, :, None]).all(axis=0))
        there = sums[:, who] + ways.hops[cut][:, places[who], to]
        return self.begun(alive.number[some[who]], to, cut, there)

    def path(self, rows: Ints, number: int, stop: int) -> Path:
        runs: list[Run] = []
        while number >= 0:
            parent, resource, first = (int(value) for value in rows[:, number])
            runs.append(Run(resource, first, stop))
            number, stop = parent, first
        return tuple(reversed(runs))


def laid_out(space: Space, channels: Sequence[Channel], count: int, beaten_by: int) -> list[Ranked]:
    """Plans that no channel forbids, but such as `beaten_by` others beat: the cheapest `count`, and all as cheap as the last.

    channels: the cost first; then a priced cost that bounds it; then what budgets limit. With `beaten_by` = `count` the plans are
    the best; with less they are found sooner, the first is the best, and others may be missing. Raises TooMany.
    """
    search = _Search(_Ways(channels), channels[0].field.ends)
    alive, left = search.at_start(space.problem.source), 0
    for cut in range(1, space.problem.blocks):
        goes_on = (alive.until > cut) & (alive.sums <= search.ways.may_stay[cut + 1].take(alive.place, axis=1)).all(axis=0)
        alive = alive.only(goes_on).and_(search.moved(alive, cut))
        if len(alive) > GROWTH * left + FEWEST:
            alive = alive.only(unbeaten(alive.sums[[0, *range(2, len(channels))]], alive.place, alive.until, beaten_by))
            left = len(alive)
    return _plans(space, search, alive, count)


def _plans(space: Space, search: _Search, alive: _Alive, count: int) -> list[Ranked]:
    """Equal ones all, for their order is told by their paths."""
    problem, ways = space.problem, search.ways
    sums = alive.sums + ways.total[-1].take(alive.place, axis=1)
    if problem.returns:
        sums = sums + ways.hops[-1][:, alive.place, problem.source]
    good = (sums <= ways.most).all(axis=0) & space.finishes[alive.place]
    if not good.any():
        return []
    cost, number = sums[0, good], alive.number[good]
    limit = np.partition(cost, count - 1)[count - 1] if len(cost) > count else NEVER
    rows = np.concatenate(search.rows, axis=1)
    return [Ranked(int(each), search.path(rows, int(last), problem.blocks))
            for each, last in zip(cost[cost <= limit], number[cost <= limit], strict=True)]


def unbeaten(sums: Ints, place: Ints, until: Ints, count: int) -> Ints:
    """Which of n beginnings fewer than `count` others beat: on the same resource, cheaper, with no more use and no sooner an end.

    sums: C x n, the cost first.
    """
    order = np.lexsort((sums[0], place))
    begins = np.flatnonzero(np.concatenate(([True], np.diff(place[order]) != 0)))
    alike = np.maximum.reduceat(until[order], begins) == np.minimum.reduceat(until[order], begins)
    if len(sums) == 2 and alike.all():
        return order[_in_fronts(sums[0][order], sums[1][order], place[order], count)]
    values = np.concatenate([sums, -until[None]])
    return np.concatenate([part[_seldom_beaten(values[:, part], count)] for part in np.split(order, begins[1:])])


def _in_fronts(cost: Ints, use: Ints, place: Ints, count: int) -> NDArray[np.bool_]:
    """Of the pairs of each place, sorted by cost: the first front, which none beats; the next, when these are gone; and so on.

    What is in none of `count` fronts is beaten by one of each.
    """
    ranks = np.unique(use, return_inverse=True)[1].reshape(-1)
    height = ranks - place * (len(use) + 1)  # those of the next place lie below all before
    alike = np.cumsum(np.concatenate(([True], (np.diff(cost) != 0) | (np.diff(place) != 0))))
    left = np.arange(len(use))
    for _ in range(count):
        lowest = np.minimum.accumulate(height[left])
        cheaper = np.searchsorted(alike[left], alike[left])  # how many stand before all of the same cost
        beaten = (cheaper > 0) & (lowest[cheaper - 1] <= height[left])
        left = left[beaten]
        if not len(left):
            break
    found = np.ones(len(use), np.bool_)
    found[left] = False
    return found


def _seldom_beaten(values: Ints, count: int) -> NDArray[np.bool_]:
    """values: D x n; beaten by another with less of the first and no more of the others. Compared pair by pair, some at once."""
    beaten = np.zeros(values.shape[1], np.int64)
    for begin in range(0, len(beaten), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        others = values[0][:, None] < values[0][None, part]
        for each in values[1:]:
            others &= each[:, None] <= each[None, part]
        beaten[part] = others.sum(axis=0)
    return beaten < count
