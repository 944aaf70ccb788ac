"""From an action in R to an offloading point: the one whose share of the work is nearest (FedAdapt, 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from worker.federated.adapt.bench import Cuts, Floats

# A cut behind which less than this share of the work is left only costs traffic.
WORTH_A_CUT = 0.01


@dataclass(frozen=True)
class Points:
    """The offloading points of a network.

    `shares`: the cumulative share of the forward MACs (0..1] that stays on the device at each, non-decreasing, the last one 1 =
    no offloading ("native"). `native_from`: a point that leaves the device at least this share means native: of VGG-5's the
    last two layers, which together are 0.02 % of the work. ValueError for shares that are none.
    """

    shares: tuple[float, ...]
    native_from: float = 1 - WORTH_A_CUT

    def __post_init__(self) -> None:
        around = (0.0, *self.shares)
        if not self.shares or self.shares[-1] != 1 or any(not a <= b for a, b in zip(around, self.shares, strict=False)):
            raise ValueError(f"Shares of work are between 0 and 1, never fall and end at 1; they are {self.shares}.")
        if not 0 < self.native_from <= 1:
            raise ValueError(f"The share from which on nothing is offloaded is above 0 and at most 1; it is {self.native_from}.")

    @property
    def native(self) -> int:
        """The point without offloading."""
        return len(self.shares) - 1

    @cached_property
    def reachable(self) -> tuple[int, ...]:
        """The points that an action can lead to, in order: of equal shares the last one (behind a pooling layer there is less to
        send than before it), and native."""
        return tuple(sorted({int(point) for point in nearest(self, self.shares)}))

    def all_native(self, clients: int) -> Cuts:
        return (self.native,) * clients


def nearest(points: Points, actions: ArrayLike) -> NDArray[np.int64]:
    """The offloading point of each action, of the same shape. Of equally near ones the last; an action below 0 or above 1 needs
    no clipping: the nearest point to it is an outermost one. ValueError for an action that is no number."""
    wanted = np.asarray(actions, dtype=np.float64)
    if np.isnan(wanted).any():
        raise ValueError("An action is not a number: no offloading point is nearest to it.")
    # Beyond the ends nothing changes which is nearest, and infinity minus a share would be equally far from all.
    away = np.abs(np.clip(wanted, 0, 1)[..., None] - np.asarray(points.shares))
    last = points.native - np.argmin(away[..., ::-1], axis=-1)
    return np.where(np.asarray(points.shares)[last] >= points.native_from, points.native, last)


def spread(actions: Sequence[float] | Floats, labels: Sequence[int], points: Points) -> Cuts:
    """Each client at the offloading point of its group's action."""
    of_group = nearest(points, actions)
    return tuple(int(of_group[label]) for label in labels)
