"""Many images, one after the other: plans by their slowest part, and what throughput costs in latency.

While one image is in a stage or on a link, the next is in the one before it; so images follow each other as fast as the slowest
part lets them, and a plan's throughput is one over it. Limits on every part keep the problem additive: under each of them the
best latency is found as ever, and the smallest limit that leaves enough plans is found by halving, in whole picoseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.partitioning.planner.problem import Costs, Ints
from worker.partitioning.planner.ranking import Ranked, key_of
from worker.partitioning.planner.space import Space
from worker.partitioning.planner.within import cheapest, parts_of

MOST_POINTS = 500


def fastest(space: Space, costs: Costs, count: int) -> list[Ranked]:
    """Up to `count` plans by their slowest part, equal ones by latency; `Ranked.cost` is the slowest part."""
    known = cheapest(space, costs, count)
    low, high, missed = -1, max((slowest(space, costs, each) for each in known), default=-1), 0
    while high - low > 1 and len(known) == count:
        # `high` is some plan's: twice missed, it is likely the one that is sought.
        most = high - 1 if missed == 2 else (low + high) // 2
        found = cheapest(limited(space, costs, most), costs, count)
        if len(found) == count:
            high, missed = max(slowest(space, costs, each) for each in found), 0
        else:
            low, missed = most, missed + 1
    # Fewer than `count` plans are below the limit, so of twice as many by latency enough are at it.
    best = cheapest(limited(space, costs, high), costs, 2 * count)
    best += cheapest(limited(space, costs, high - 1), costs, count) if len(known) == count else []
    found = sorted(set(best), key=lambda each: (slowest(space, costs, each), each.cost, key_of(each.path)))[:count]
    return [Ranked(slowest(space, costs, each), each.path) for each in found]


def frontier(space: Space, costs: Costs) -> list[Ranked]:
    """Plans that no other beats in both latency and throughput, by latency; at most MOST_POINTS of them."""
    found: list[Ranked] = []
    narrowed = space
    while len(found) < MOST_POINTS and (nearest := cheapest(narrowed, costs, 1)):
        if found and found[-1].cost == nearest[0].cost:
            found.pop()
        found += nearest
        narrowed = limited(space, costs, slowest(space, costs, nearest[0]) - 1)
    return found


def slowest(space: Space, costs: Costs, each: Ranked) -> int:
    return max(parts_of(space, costs, each.path))


def limited(space: Space, costs: Costs, most: int) -> Space:
    """The same with no part slower than this."""
    found = Space(space.problem)
    found.runs, found.finishes = space.runs, space.finishes
    found.hops = space.hops & (costs.hops <= most)
    found.uses, found.peaks, found.budgets = [*space.uses, *_uses(costs, most)], space.peaks, space.budgets
    return found


def _uses(costs: Costs, most: int) -> Sequence[tuple[int, Ints, int]]:
    zero = np.zeros(1, np.int64)
    return [(place, np.concatenate((zero, np.cumsum(row))), most) for place, row in enumerate(costs.blocks)]
