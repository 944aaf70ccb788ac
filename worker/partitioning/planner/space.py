"""What plans may do: which block may run where, which message may go, what a run of blocks may use."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.partitioning.planner.problem import Costs, Ints, Problem


@dataclass(frozen=True)
class Budget:
    """What blocks (R x N) and messages ((N + 1) x R x R) use of something that a whole plan may use `most` of, in whole units.

    Some may give instead of take.
    """

    blocks: Ints
    hops: Ints
    most: int

    @property
    def costs(self) -> Costs:
        return Costs(self.blocks, self.hops)


@dataclass
class Space:
    """Everything allowed at first, but what has no link; constraints take away.

    runs: R x N, block i may run on r. hops: (N + 1) x R x R, what crosses cut i may go from r to q (0: the input, N: the result).
    finishes: R, the last block may run on r.
    uses: for each limit on one run of a resource, its resource, the running total of what its blocks use, and the most.
    peaks: for each limit on memory, its resource, weights as a running total, activations block by block, and the most.
    budgets: what only the plan as a whole keeps or breaks.
    """

    problem: Problem
    runs: NDArray[np.bool_] = field(init=False)
    hops: NDArray[np.bool_] = field(init=False)
    finishes: NDArray[np.bool_] = field(init=False)
    uses: list[tuple[int, Ints, int]] = field(default_factory=list)
    peaks: list[tuple[int, Ints, Ints, int]] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)

    def __post_init__(self) -> None:
        tiers = self.problem.tiers
        self.runs = np.ones((len(tiers), self.problem.blocks), np.bool_)
        self.finishes = np.ones(len(tiers), np.bool_)
        later = tiers[:, None] < tiers[None, :]
        self.hops = np.isfinite(self.problem.transfer_s)
        self.hops[1:-1] &= later  # the input and the result may go to any resource, or stay where they are

    def ends(self) -> Ints:
        """R x (N + 1): where a run on r that begins at block j ends at the latest (exclusive); j where it cannot begin."""
        blocks = self.problem.blocks
        # The next forbidden block at or behind j.
        places = np.where(self.runs, blocks, np.arange(blocks))
        found = np.full((len(self.runs), blocks + 1), blocks, np.int64)
        found[:, :-1] = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]
        for resource, total, most in self.uses:
            found[resource] = np.minimum(found[resource], furthest(total, most))
        for resource, weights, alive, room in self.peaks:
            found[resource] = np.minimum(found[resource], fitting(weights, alive, room))
        return found


def furthest(total: Ints, most: int) -> Ints:
    """For each beginning j the largest i with total[i] - total[j] <= most; totals never fall."""
    return (np.searchsorted(total, total + most, side="right") - 1).astype(np.int64)


def fitting(weights: Ints, alive: Ints, room: int) -> Ints:
    """For each beginning j the largest i so that the weights of j .. i and the most that is alive at once fit into the room."""
    blocks = len(alive)
    found = np.arange(blocks + 1)
    total, peak = weights.tolist(), alive.tolist()
    end = 0
    most: deque[int] = deque()  # blocks with ever less alive, the one with the most in front
    for begin in range(blocks):
        end = max(end, begin)
        while most and most[0] < begin:
            most.popleft()
        while end < blocks and total[end + 1] - total[begin] + max(peak[end], peak[most[0]] if most else 0) <= room:
            while most and peak[most[-1]] <= peak[end]:
                most.pop()
            most.append(end)
            end += 1
        found[begin] = end
    return found
