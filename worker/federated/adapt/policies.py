"""What FedAdapt is compared with. Each policy chooses the offloading points of a round by what it may try out on the bench.

None looks at rounds gone by. Only points that an action of FedAdapt can lead to are tried (`Points.reachable`), so that all
choose among the same. On a bench whose times are noisy those who try everything take the luckiest setting for the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from worker.federated.adapt.bench import Bench, Cuts, Floats, mbps_of, seconds_of
from worker.federated.adapt.grouping import clusters_of
from worker.federated.adapt.mapping import Points

# The teaching code cuts behind the first pooling layer, VGG-5's point 1.
TEACHING_POINT = 1


class Policy(Protocol):
    """Who chooses offloading points."""

    @property
    def name(self) -> str:
        """As it stands in charts and tables."""

    def choose(self, bench: Bench) -> Cuts:
        """Each client's offloading point in the next round."""

    def saw(self, cuts: Sequence[int], seconds: Sequence[float] | Floats) -> None:
        """What a round took, for who learns from it."""


@dataclass(frozen=True)
class _Rule:
    """A policy that forgets."""

    points: Points

    def saw(self, cuts: Sequence[int], seconds: Sequence[float] | Floats) -> None:
        """Nothing is kept of it."""


@dataclass(frozen=True)
class Classic(_Rule):
    """Federated learning as it was: nobody offloads."""

    name: ClassVar[str] = "classic"

    def choose(self, bench: Bench) -> Cuts:
        return self.points.all_native(len(mbps_of(bench)))


@dataclass(frozen=True)
class Fixed(_Rule):
    """One offloading point for all, as in SplitFed."""

    point: int
    name: ClassVar[str] = "fixed"

    def __post_init__(self) -> None:
        if not 0 <= self.point <= self.points.native:
            raise ValueError(f"An offloading point is between 0 and {self.points.native}; got {self.point}.")

    def choose(self, bench: Bench) -> Cuts:
        return (self.point,) * len(mbps_of(bench))


@dataclass(frozen=True)
class Random(_Rule):
    """Each client by lot, anew in each round."""

    seed: int = 0
    name: ClassVar[str] = "random"
    draws: np.random.Generator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "draws", np.random.default_rng(self.seed))

    def choose(self, bench: Bench) -> Cuts:
        return tuple(self.draws.choice(self.points.reachable, size=len(mbps_of(bench))).tolist())


@dataclass(frozen=True)
class Greedy(_Rule):
    """Each client takes the point at which it alone is fastest, all others native: clients x (points - 1) + 1 trials. Of equally
    fast points the last. Best of all where clients share nothing; a server that they crowd it does not foresee."""

    name: ClassVar[str] = "greedy"

    def choose(self, bench: Bench) -> Cuts:
        native = self.points.all_native(len(mbps_of(bench)))
        alone = seconds_of(bench, native)
        return tuple(self._fastest(bench, native, client, float(alone[client])) for client in range(len(native)))

    def _fastest(self, bench: Bench, native: Cuts, client: int, best: float) -> int:
        chosen = self.points.native
        for point in reversed(self.points.reachable[:-1]):
            tried = float(seconds_of(bench, (*native[:client], point, *native[client + 1:]))[client])
            if tried < best:
                chosen, best = point, tried
        return chosen


@dataclass(frozen=True)
class Teaching(_Rule):
    """The two-line rule of the authors' teaching code (2026): two groups by time without offloading; the fast one trains alone,
    the slow one offloads at one fixed point. Clients that are all alike are one group, and that is the slow one."""

    point: int = TEACHING_POINT
    name: ClassVar[str] = "two groups"

    def choose(self, bench: Bench) -> Cuts:
        native = self.points.native
        fast = clusters_of(seconds_of(bench, self.points.all_native(len(mbps_of(bench)))), 2) == 0
        return tuple(native if each and not fast.all() else min(self.point, native) for each in fast.tolist())
