"""Who has which training images: alike for everybody, or unlike as real clients' are.

Hsu, Qi, Brown: "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification", 2019,
arXiv 1909.06335 (Dirichlet); McMahan et al., 2017, arXiv 1602.05629 (shards).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Dealing = Literal["alike", "dirichlet", "shards"]
Indices = NDArray[np.int64]


def dealt(labels: NDArray[np.int64], clients: int, how: Dealing, *, seed: int, alpha: float = 0.5, shards: int = 2,
          shares: Sequence[float] | None = None) -> list[Indices]:
    """Positions of each client's images, ascending; every image is somebody's, and each client has two at least.

    `alike`: by lot, as many for each or by `shares` (they add up to 1). `dirichlet`: of each class the clients' parts are drawn
    from a Dirichlet distribution with `alpha` (times the shares); small means unlike. `shards`: sorted by class, cut into
    `shards` pieces a client, dealt by lot. ValueError where there are not enough images.
    """
    if len(labels) < 2 * clients:
        raise ValueError(f"There are {len(labels):,} training images for {clients:,} clients; each needs two at least.")
    draw = np.random.default_rng(seed)
    weights = np.full(clients, 1 / clients) if shares is None else np.asarray(shares, float)
    parts = {"alike": _alike, "dirichlet": _dirichlet, "shards": _shards}[how](labels, weights, draw, alpha, shards)
    return [np.sort(part) for part in _two_each(parts)]


def _alike(labels: NDArray[np.int64], weights: NDArray[np.float64], draw: np.random.Generator, _alpha: float,
           _shards_each: int) -> list[Indices]:
    return list(np.split(draw.permutation(len(labels)), _borders(weights, len(labels))))


def _dirichlet(labels: NDArray[np.int64], weights: NDArray[np.float64], draw: np.random.Generator, alpha: float,
               _shards_each: int) -> list[Indices]:
    pieces: list[list[Indices]] = [[] for _ in weights]
    for label in np.unique(labels):
        own = draw.permutation(np.flatnonzero(labels == label))
        portions = draw.dirichlet(np.maximum(alpha * weights * len(weights), 1e-3))
        for client, piece in enumerate(np.split(own, _borders(portions, len(own)))):
            pieces[client].append(piece)
    return [np.concatenate(piece) for piece in pieces]


def _shards(labels: NDArray[np.int64], weights: NDArray[np.float64], draw: np.random.Generator, _alpha: float,
            shards: int) -> list[Indices]:
    order = np.lexsort((draw.random(len(labels)), labels))
    pieces = np.array_split(order, shards * len(weights))
    lot = draw.permutation(len(pieces)).reshape(len(weights), shards)
    return [np.concatenate([pieces[place] for place in own]) for own in lot]


def _borders(portions: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Where to cut so many things so that each part is its portion, to one."""
    return np.floor(np.cumsum(portions / portions.sum())[:-1] * count + 1e-6).astype(np.int64)


def _two_each(parts: list[Indices]) -> list[Indices]:
    """Who has fewer than two gets one from who has most: batch-norm cannot train on a single image."""
    parts = list(parts)
    for place in range(len(parts)):
        while len(parts[place]) < 2:
            most = max(range(len(parts)), key=lambda each: len(parts[each]))
            parts[place], parts[most] = np.append(parts[place], parts[most][-1]), parts[most][:-1]
    return parts
