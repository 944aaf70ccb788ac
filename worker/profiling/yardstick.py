"""A device's own yardstick: one small fixed piece of work, timed in about 50 ms, so that a device that drifts is seen to.

The same numbers in the same order on every device and for ever: changing them breaks the curves of years. NumPy only, and one
thread whatever the machine has: products this small are never shared out among threads.
"""

from __future__ import annotations

import json
from typing import TypedDict

import numpy as np

from worker.profiling.stopwatch import Plan, measure

SIDE, PRODUCTS = 64, 30
PLAN = Plan(warmup=5, least=30, seconds=0.04, most=300, rounds=3)


class Reading(TypedDict):
    """The median of a lap with its 95 % interval, and whether the machine did other things meanwhile."""

    median_ms: float
    low_ms: float | None
    high_ms: float | None
    noisy: bool


def yardstick() -> Reading:
    """Time the yardstick now."""
    timing = measure(_Lap(), PLAN)
    low, high = timing.interval_ms or (None, None)
    return {"median_ms": timing.p50_ms, "low_ms": low, "high_ms": high, "noisy": bool(timing.noise)}


class _Lap:
    """Products of small matrices as a network has, then one pass over 4 MB: more than the nearest caches hold."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self._left, self._right = random.standard_normal((2, SIDE, SIDE), dtype=np.float32)
        self._out = np.empty_like(self._left)
        self._far = random.standard_normal(1_000_000, dtype=np.float32)

    def __call__(self) -> None:
        for _ in range(PRODUCTS):
            np.matmul(self._left, self._right, out=self._out)
        np.maximum(self._far, 0, out=self._far)


if __name__ == "__main__":
    print(json.dumps(yardstick()))
