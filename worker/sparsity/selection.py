"""Keep exactly the asked number of weights, the best first; equal scores are settled by position."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from worker.sparsity.masks import Masks

Scope = Literal["global", "local"]
Flat = NDArray[np.floating[Any]]
Chosen = NDArray[np.bool_]
SAMPLE, LARGE = 32_768, 262_144


def select(
    scores: Mapping[str, torch.Tensor], masks: Masks | None = None, *, density: float, scope: Scope = "global",
) -> Masks:
    """Masks that keep round(density * all weights), chosen among those `masks` still keeps: masks only ever shrink."""
    if not 0 <= density <= 1:
        raise ValueError(f"density {density} is not within 0 and 1")
    groups = [list(scores)] if scope == "global" else [[name] for name in scores]
    chosen: Masks = {}
    for names in groups:
        chosen |= _pooled({name: scores[name] for name in names}, masks, density)
    return chosen


def _pooled(scores: Mapping[str, torch.Tensor], masks: Masks | None, density: float) -> Masks:
    flat = torch.cat([score.detach().cpu().flatten() for score in scores.values()]).numpy()
    alive = np.ones(flat.shape, dtype=bool) if masks is None else np.concatenate(
        [masks[name].cpu().numpy().astype(bool).ravel() for name in scores])
    kept = keep_best(flat, alive, round(density * flat.size))
    sizes = np.cumsum([score.numel() for score in scores.values()])[:-1]
    parts = np.split(kept, sizes)
    return {name: torch.from_numpy(part.reshape(tuple(score.shape)).copy())
            for (name, score), part in zip(scores.items(), parts, strict=True)}


def keep_best(scores: Flat, alive: Chosen, count: int) -> Chosen:
    """The `count` best of the living; exact, whatever ties there are."""
    if alive.all():
        return _best(scores, count)
    kept = np.zeros(scores.shape, dtype=bool)
    kept[alive] = _best(scores[alive], count)
    return kept


def _best(living: Flat, count: int) -> Chosen:
    if np.isnan(living.sum()):
        raise ValueError("a score is not a number; the network's weights or gradients are not finite")
    if not 0 < count < living.size:
        return np.full(living.shape, count > 0)
    limit = _kth_largest(living, count)
    kept: Chosen = living > limit
    ties = np.flatnonzero(living == limit)
    kept[ties[: count - np.count_nonzero(kept)]] = True
    return kept


def _kth_largest(living: Flat, count: int) -> float:
    """The k-th itself, whatever the sample says: only those between its two bounds are partitioned."""
    if living.size > LARGE:
        least, most = bracket(living[_drawn(living.size)], count / living.size)
        above = int(np.count_nonzero(living > most))
        between = living[(living >= least) & (living <= most)]
        if above < count <= above + between.size:
            return _partitioned(between, count - above)
    return _partitioned(living, count)


def bracket(sample: Flat, part: float) -> tuple[float, float]:
    """Two bounds that hold between them, nearly surely, the least of the best `part` of what the sample was drawn from."""
    ranked = np.sort(sample)
    place, spread = (1 - part) * ranked.size, 4 * math.sqrt(part * (1 - part) * ranked.size) + 2
    low, high = math.floor(place - spread), math.ceil(place + spread)
    return (float(ranked[low]) if low >= 0 else -math.inf), (float(ranked[high]) if high < ranked.size else math.inf)


def _drawn(size: int) -> NDArray[np.int64]:
    # By lot, and always the same: scores have a pattern that every so-manieth would fall in step with.
    return np.random.default_rng(0).integers(size, size=SAMPLE)


def _partitioned(living: Flat, count: int) -> float:
    # np.partition crawls over a buffer full of equal values, and iterated scores are full of zeros: leave those out.
    lowest = living.min()
    ties = np.count_nonzero(living == lowest)
    if count > living.size - ties:
        return float(lowest)
    others = living[living > lowest] if ties > 1 else living
    return float(np.partition(others, others.size - count)[others.size - count])
