"""Clients of like speed are one group and share an offloading point; who has a slow link is in a group apart (FedAdapt, 2022).

k-means on one number a client has an exact answer: a cluster is a stretch of the sorted times, so the best stretches are found by
dynamic programming (Wang and Song, 2011, doi 10.32614/RJ-2011-015). It needs no seed, and a restart finds the same groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.federated.adapt.bench import Floats

# The published threshold.
SLOW_LINK_MBPS = 5.0
Labels = tuple[int, ...]


@dataclass(frozen=True)
class Grouping:
    """`by_time`: each client's group by its speed, 0 the slowest. `count`: of all groups. `slow_link_mbps`: below it a client is
    in the last group, which is for nobody else; None: bandwidth forms no group."""

    count: int
    by_time: Labels
    slow_link_mbps: float | None = SLOW_LINK_MBPS

    def now(self, mbps: Sequence[float] | Floats) -> Labels:
        """Each client's group in a round in which these are the bandwidths, Mbit/s."""
        if self.slow_link_mbps is None:
            return self.by_time
        below = np.asarray(mbps) < self.slow_link_mbps
        return tuple(self.count - 1 if slow else label for slow, label in zip(below.tolist(), self.by_time, strict=True))


def grouped(baseline: Sequence[float] | Floats, count: int, slow_link_mbps: float | None = SLOW_LINK_MBPS) -> Grouping:
    """`count` groups by the seconds per iteration without offloading; one of them is kept for slow links where those are told
    apart. ValueError where that leaves no group for speed."""
    by_speed = count - (slow_link_mbps is not None)
    if by_speed < 1:
        least = 1 if slow_link_mbps is None else 2
        kept = " and one for slow links" * (least - 1)
        raise ValueError(f"At least {least} groups are needed, one for speed{kept}; got {count}.")
    clusters = clusters_of(baseline, by_speed)
    return Grouping(count, tuple((clusters.max() - clusters).tolist()), slow_link_mbps)


def clusters_of(values: Sequence[float] | Floats, count: int) -> NDArray[np.int64]:
    """[values] the cluster of each, numbered by rising value: of all ways to form at most `count` clusters one with the least sum
    of squared distances to their means. Equal values are together; where fewer clusters do as well there are fewer."""
    distinct, place, times = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    count = min(count, len(distinct))
    apart = _within(distinct, times)
    cost, begins = apart[0].copy(), []
    for _ in range(1, count):
        # ways[i, j]: the last cluster is i .. j, those before it hold 0 .. i - 1.
        ways = np.concatenate([[np.inf], cost[:-1]])[:, None] + apart
        begins.append(ways.argmin(axis=0))
        cost = ways.min(axis=0)
    label, end = np.empty(len(distinct), dtype=np.int64), len(distinct) - 1
    for number in range(count - 1, 0, -1):
        begin = int(begins[number - 1][end])
        label[begin:end + 1], end = number, begin - 1
    label[:end + 1] = 0
    return label[place]


def _within(distinct: Floats, times: NDArray[np.int64]) -> Floats:
    """[i, j] the sum of squared distances to their mean of the sorted values i .. j, infinite where i > j."""
    # Round zero little is lost in the difference of squares.
    away = distinct - distinct.mean()
    n, s, q = (np.concatenate([[0.0], np.cumsum(times * away**power)]) for power in (0, 1, 2))
    begin, end = np.ogrid[:len(distinct), 1:len(distinct) + 1]
    some = np.maximum(n[end] - n[begin], 1)
    squared = q[end] - q[begin] - (s[end] - s[begin])**2 / some
    return np.where(begin < end, np.maximum(squared, 0), np.inf)


def representatives(labels: Sequence[int], seconds: Sequence[float] | Floats, count: int) -> tuple[int | None, ...]:
    """Of each group its slowest client, of equally slow ones the last; None of a group that nobody is in."""
    found: list[int | None] = [None] * count
    for client, label in enumerate(labels):
        best = found[label]
        if best is None or seconds[client] >= seconds[best]:
            found[label] = client
    return tuple(found)
