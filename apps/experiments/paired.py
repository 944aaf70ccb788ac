"""Is one recipe better than another, pair by pair? Mean difference with a t interval, and an exact sign-flip permutation test.

Arithmetic alone: no Django, no NumPy, so that the web process and a notebook get the same numbers.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

FEWEST = 3  # pairs below which nothing is concluded
LEVEL = 0.95
SIGNIFICANT = 0.05
MOST_EXACT, DRAWN = 30, 20_000


class Paired(NamedTuple):
    """The mean of n differences; its interval needs two of them. `p` is two-sided; `is_exact` of all sign flips, not of some."""

    n: int
    mean: float
    low: float | None
    high: float | None
    p: float
    is_exact: bool

    @property
    def is_told_apart(self) -> bool:
        """Whether more than chance may be said: enough pairs, and an interval that leaves 0 out."""
        return self.n >= FEWEST and self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    @property
    def least_p(self) -> float:
        """The smallest p that so many pairs can give: all differences of one sign."""
        return min(1.0, 2.0 ** (1 - self.n))


def needed(tests: int) -> int:
    """How many pairs it takes that the smallest p they can give is significant after Holm's correction for so many tests."""
    return 1 + math.ceil(math.log2(max(1, tests) / SIGNIFICANT))


def too_few(seeds: int, tests: int) -> str:
    """`With 3 seeds no difference can be shown at 5 %: 6 are needed`; nothing where they suffice."""
    if seeds >= needed(tests):
        return ""
    many = f"{seeds} seed{'s' * (seeds != 1)}"
    return (f"With {many} no difference can be shown at {100 * SIGNIFICANT:g} %: {needed(tests)} are needed"
            + (f" for {tests} tests, as corrected by Holm" if tests > 1 else ""))


def paired(differences: Sequence[float]) -> Paired | None:
    """The test of these differences against 0; None of none of them."""
    n = len(differences)
    if n == 0:
        return None
    mean, half = fmean(differences), None
    if n > 1:
        half = t_quantile((1 + LEVEL) / 2, n - 1) * stdev(differences) / math.sqrt(n)
    p, is_exact = sign_flips(differences)
    return Paired(n, mean, None if half is None else mean - half, None if half is None else mean + half, p, is_exact)


def sign_flips(differences: Sequence[float]) -> tuple[float, bool]:
    """How often a sum is at least as far from 0 when each difference has either sign; and whether all signs were counted."""
    sizes = [abs(each) for each in differences if each]
    observed, slack = abs(math.fsum(differences)), 1e-9 * math.fsum(sizes)
    if len(sizes) > MOST_EXACT:
        return _drawn(sizes, observed - slack), False
    first, second = _sums(sizes[:len(sizes) // 2]), sorted(_sums(sizes[len(sizes) // 2:]))
    # By symmetry as many sums lie below as above; a sum that counts on both sides is one that lies at 0.
    above = sum(len(second) - bisect_left(second, observed - slack - each) for each in first)
    return min(1.0, 2 * above / 2 ** len(sizes)), True


def _sums(sizes: Sequence[float]) -> list[float]:
    """All sums of these with either sign."""
    sums = [0.0]
    for size in sizes:
        sums = [each + sign * size for each in sums for sign in (1, -1)]
    return sums


def _drawn(sizes: Sequence[float], least: float) -> float:
    """The same by so many drawn flips, the observed one among them; the same numbers give the same answer."""
    dice = random.Random(len(sizes))
    far = sum(abs(math.fsum(size if dice.random() < 0.5 else -size for size in sizes)) >= least for _ in range(DRAWN))
    return (far + 1) / (DRAWN + 1)


def holm(ps: Sequence[float]) -> list[float]:
    """Each p after Holm's correction for so many tests: the smallest times n, the next times n - 1, never falling."""
    worst, adjusted = 0.0, [0.0] * len(ps)
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        worst = max(worst, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = worst
    return adjusted


def t_quantile(p: float, df: int) -> float:
    """The value that Student's t stays below with probability p, 0.5 <= p < 1; by halving, to the last digits."""
    low, high = 0.0, 1.0
    while t_below(high, df) < p:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_below(middle, df) < p else (low, middle)
    return (low + high) / 2


def t_below(t: float, df: int) -> float:
    """The probability that Student's t with df degrees of freedom is below t >= 0; the closed sums of odd and even df."""
    angle = math.atan(t / math.sqrt(df))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    term, total = (1.0, 0.0) if df % 2 == 0 else (math.cos(angle), 0.0)
    for step in range(df // 2):
        total += term
        odd, even = 2 * step + 1, 2 * step + 2
        term *= square * (odd / even if df % 2 == 0 else even / (odd + 2))
    inside = sine * total if df % 2 == 0 else (2 / math.pi) * (angle + sine * total)
    return (1 + inside) / 2
