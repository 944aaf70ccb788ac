"""Intervals of quantiles by ranks alone: nothing is assumed of how times are distributed, and none is given of too few."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

MISSED = 0.025
# So many standard deviations from its mean a binomial number has no weight that a float could show beside the rest.
FAR = 12.0


@cache
def ranks(n: int, q: float) -> tuple[int, int] | None:
    """The ranks (from 0) of the two of n ordered samples that enclose the quantile q with at least 95 % probability.

    How many samples lie below a quantile is a binomial number; each end misses it with 2.5 % at most. None where n is too small
    for one of the ends, as for the 99th percentile of fewer than 368 samples.
    """
    first, chances = _chances(n, q)
    low = int((np.cumsum(chances) <= MISSED).sum())
    high = int((np.cumsum(chances[::-1]) <= MISSED).sum())
    if not low or not high:
        return None
    return first + low - 1, first + len(chances) - high - 1


def _chances(n: int, q: float) -> tuple[int, NDArray[np.float64]]:
    """The chances of first, first + 1, ... samples below the quantile, as far as they matter."""
    mean, far = n * q, FAR * math.sqrt(n * q * (1 - q)) + FAR
    first, last = max(0, math.floor(mean - far)), min(n, math.ceil(mean + far))
    at, step = math.log(q), math.log1p(-q)
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * at + (n - k) * step
            for k in range(first, last + 1)]
    return first, np.exp(np.asarray(logs))


def interval_ns(ordered: NDArray[np.int64], q: float) -> tuple[int, int] | None:
    """The 95 % interval of the quantile, of samples in order."""
    found = ranks(len(ordered), q)
    return (int(ordered[found[0]]), int(ordered[found[1]])) if found else None
