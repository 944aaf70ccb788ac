"""The cost to go: from each place of each plan, the least that the rest can cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worker.partitioning.planner.problem import DEAREST, NEVER, Costs, Ints
from worker.partitioning.planner.space import Space


@dataclass(frozen=True)
class Field:
    """The cost to go. R resources, N blocks; NEVER where no plan leads on.

    total: R x (N + 1), blocks[:i] on r. ends: as of `Space.ends`.
    hops: (N + 1) x R x R, NEVER where it may not go.
    after: R x (N + 1), cheapest way on when r has run block i - 1 and stops: another resource, or, at N, the end.
    run: R x (N + 1), cheapest way on when r begins at block j.
    """

    total: Ints
    ends: Ints
    hops: Ints
    after: Ints
    run: Ints
    source: int
    home: int | None
    tiers: Ints

    @property
    def first(self) -> Ints:
        """R: the cost of the best plan that begins on each resource."""
        return _or_never(self.hops[0, self.source] + self.run[:, 0])


def sweep(space: Space, costs: Costs) -> Field:
    """Tier by tier from the last: one running minimum a resource instead of a step for each block.

    A run on r that begins at j and ends before i costs total[i] - total[j] + after[i], so its best end is the minimum of
    total + after over the ends that are allowed: a suffix, or a window whose end never moves back.
    """
    problem = space.problem
    count, blocks = problem.seconds.shape
    total = np.zeros((count, blocks + 1), np.int64)
    np.cumsum(costs.blocks, axis=1, out=total[:, 1:])
    hops = np.where(space.hops, costs.hops, NEVER)
    ends = space.ends()
    after, run = np.full((count, blocks + 1), NEVER, np.int64), np.full((count, blocks + 1), NEVER, np.int64)
    home = problem.source if problem.returns else None
    after[:, -1] = np.where(space.finishes, 0 if home is None else hops[-1, :, home], NEVER)
    tiers = problem.tiers
    for tier in sorted(set(tiers.tolist()), reverse=True):
        here, later = np.flatnonzero(tiers == tier), np.flatnonzero(tiers > tier)
        if len(later):
            onwards = hops[1:-1][:, here[:, None], later] + run[later, 1:-1].T[:, None, :]
            after[here, 1:-1] = _or_never(onwards.min(axis=2).T)
        best = best_ends(total[here] + after[here], ends[here])
        run[here] = np.where(best < DEAREST, best - total[here], NEVER)
    return Field(total, ends, hops, after, run, problem.source, home, tiers)


def _or_never(values: Ints) -> Ints:
    return np.where(values < DEAREST, values, NEVER)


def best_ends(values: Ints, ends: Ints) -> Ints:
    """m x (N + 1): for each beginning j the least of values[j + 1 .. ends[j]]; NEVER where there is none."""
    blocks = values.shape[1] - 1
    found = np.full_like(values, NEVER)
    if (ends[:, :-1] == blocks).all():
        found[:, :-1] = np.minimum.accumulate(values[:, :0:-1], axis=1)[:, ::-1]
        return found
    begins = np.arange(1, blocks + 1)
    lengths = ends[:, :-1] - begins + 1
    levels = _doublings(values)
    level = np.zeros_like(lengths)
    np.log2(lengths, out=level, where=lengths > 0, casting="unsafe")
    rows = np.arange(len(values))[:, None]
    low = levels[level, rows, np.minimum(begins, blocks)]
    high = levels[level, rows, np.maximum(ends[:, :-1] - (1 << level) + 1, 0)]
    found[:, :-1] = np.where(lengths > 0, np.minimum(low, high), NEVER)
    return found


def _doublings(values: Ints) -> Ints:
    """levels x m x (N + 1): the least of 2**level values from each place on (a sparse table)."""
    levels = [values]
    while 1 << len(levels) <= values.shape[1]:
        before, step = levels[-1], 1 << (len(levels) - 1)
        level = before.copy()
        np.minimum(before[:, :-step], before[:, step:], out=level[:, :-step])
        levels.append(level)
    return np.stack(levels)
