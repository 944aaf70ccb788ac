"""What the controller works against: somewhere offloading points can be tried out.

The controller knows no clock, no network and no recipe: a `Bench` may be a simulator as well as devices that train.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Of each client the index of its offloading point: the last of `Points.shares` is no offloading.
Cuts = tuple[int, ...]


class Bench(Protocol):
    """Where offloading points can be tried out: a simulator or real devices."""

    def seconds(self, cuts: Sequence[int]) -> Sequence[float]:
        """Seconds per iteration of each client at its offloading point."""

    def mbps(self) -> Sequence[float]:
        """Each client's bandwidth now, Mbit/s."""


def seconds_of(bench: Bench, cuts: Sequence[int]) -> Floats:
    """[clients] seconds per iteration. ValueError where a client told none, or a time that divides nothing."""
    found = np.asarray(bench.seconds(cuts), dtype=np.float64)
    if found.shape != (len(cuts),) or not bool((np.isfinite(found) & (found > 0)).all()):
        raise ValueError(f"Of {len(cuts)} clients as many finite seconds above 0 are needed; the bench told {_few(found)}.")
    return found


def mbps_of(bench: Bench) -> Floats:
    """[clients] Mbit/s; 0 is a link that is down, infinity a client beside the server. ValueError for anything else."""
    found = np.asarray(bench.mbps(), dtype=np.float64)
    if found.ndim != 1 or not found.size or not bool((found >= 0).all()):
        raise ValueError(f"One bandwidth of at least 0 Mbit/s is needed of each client; the bench told {_few(found)}.")
    return found


def _few(found: Floats) -> str:
    return f"{found.size}: {found.ravel()[:8].tolist()}"
