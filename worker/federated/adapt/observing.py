"""What the agent sees of a round: of each group the time and the workload of its slowest client."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.federated.adapt.bench import Floats
from worker.federated.adapt.grouping import SLOW_LINK_MBPS, representatives
from worker.federated.adapt.knobs import Knobs
from worker.federated.adapt.mapping import Points

# Bandwidths are seen by their order of magnitude, between a link that is down and one that is none.
LEAST_MBPS, MOST_MBPS = 0.01, 10_000.0


def size_of(groups: int, knobs: Knobs) -> int:
    """How many numbers an observation has."""
    return groups * (3 if knobs.bandwidth_seen else 2)


class Observer:
    """`baseline`: [clients] seconds per iteration without offloading. A group that nobody is in keeps what was last seen of it,
    at first zeros: it never stands for a client that is not in it."""

    def __init__(self, points: Points, groups: int, knobs: Knobs, baseline: Floats) -> None:
        self.points, self.knobs, self.baseline = points, knobs, baseline
        self.last = np.zeros((size_of(1, knobs), groups))

    def see(self, labels: Sequence[int], cuts: Sequence[int], seconds: Sequence[float] | Floats,
            mbps: Sequence[float] | Floats) -> Floats:
        """[2 or 3 times groups] the times, the workloads (0..1] and, if they are asked for, the bandwidths."""
        for group, client in enumerate(representatives(labels, seconds, self.last.shape[1])):
            if client is not None:
                self.last[:, group] = self._of(client, cuts[client], float(seconds[client]), float(mbps[client]))
        return self.last.ravel().copy()

    def _of(self, client: int, cut: int, seconds: float, mbps: float) -> list[float]:
        time = seconds / float(self.baseline[client]) if self.knobs.relative_times else seconds
        link = [float(np.log2(np.clip(mbps, LEAST_MBPS, MOST_MBPS) / SLOW_LINK_MBPS))] if self.knobs.bandwidth_seen else []
        return [time, self.points.shares[cut], *link]
