"""Least squares with coefficients that are never negative: a block that computes or moves more never takes less."""

from __future__ import annotations

import numpy as np

from worker.profiling.prediction.rows import Bools, Floats

TURNS = 4


def non_negative(columns: Floats, wanted: Floats) -> Floats:
    """The x >= 0 that minimises |columns x - wanted| (Lawson and Hanson, 1974, chapter 23)."""
    size = np.linalg.norm(columns, axis=0)
    size[size == 0] = 1.0
    scaled = columns / size
    squares, products = scaled.T @ scaled, scaled.T @ wanted
    at_once: Floats = np.linalg.lstsq(squares, products, rcond=None)[0]
    if (at_once >= 0).all():  # Mostly nothing holds it back.
        at_once /= size
        return at_once
    found, free = np.zeros(len(size)), np.zeros(len(size), dtype=bool)
    tiny = 1e-11 * max(1.0, float(np.abs(products).max(initial=0.0)))
    for _ in range(3 * len(size)):
        slope = np.where(free, -np.inf, products - squares @ found)
        if not len(slope) or slope.max() <= tiny:
            break
        free[int(slope.argmax())] = True
        found = _inside(squares, products, found, free)
    found /= size
    return found


def _inside(squares: Floats, products: Floats, found: Floats, free: Bools) -> Floats:
    """From `found` to the best of the free columns, as far as nothing becomes negative; what does is bound again."""
    while True:
        best = np.zeros_like(found)
        best[free] = np.linalg.lstsq(squares[np.ix_(free, free)], products[free], rcond=None)[0]
        below = free & (best <= 0)
        if not below.any():
            return best
        step = min(1.0, float((found[below] / (found[below] - best[below] + 1e-300)).min()))
        found = found + step * (best - found)
        free &= found > 1e-15
        found = np.where(free, found, 0.0)


def relative(columns: Floats, seconds: Floats, weights: Floats) -> Floats:
    """Non-negative coefficients for the smallest relative error, in which half and double weigh alike.

    weights (p - t)^2 / (p t) is what is minimised, for small errors that of the logarithms: each turn has the last one's p.
    """
    guess = seconds
    for _ in range(TURNS):
        weight = np.sqrt(weights / (seconds * guess))
        found = non_negative(columns * weight[:, None], seconds * weight)
        guess = np.maximum(columns @ found, seconds / 100.0)
    return found
