"""Ways to get an answer for an image, over the bandwidth: raw at a cut, with a transfer layer, as a picture, all in one place.

Each takes a fixed time and some bytes, so its latency is a straight line over the slowness of the link (1 / bandwidth); of two
lines one is below the other up to where they meet. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

BYTES_OF_A_MEGABIT = 125_000


@dataclass(frozen=True)
class Way:
    """`fixed_s`: all that does not depend on the bandwidth, the link's round trip included where something is sent."""

    name: str
    fixed_s: float
    bytes: int

    def seconds(self, bytes_per_s: float) -> float:
        return self.fixed_s + self.bytes / bytes_per_s if self.bytes else self.fixed_s


def faster_below(one: Way, other: Way) -> float:
    """Below which bandwidth, in bytes a second, `one` is faster, which sends less: 0 for never, infinity for always.

    (other.bytes - one.bytes) / bandwidth > one.fixed_s - other.fixed_s. ValueError where it sends no less.
    """
    saved, price = other.bytes - one.bytes, one.fixed_s - other.fixed_s
    if saved <= 0:
        raise ValueError(f"{one.name} sends no less than {other.name}: no bandwidth parts the two.")
    return saved / price if price > 0 else math.inf


@dataclass(frozen=True)
class Band:
    """`way` is the fastest from `low` to `high`, in bytes a second."""

    way: Way
    low: float
    high: float


def bands(ways: Sequence[Way], low: float, high: float) -> list[Band]:
    """Who is the fastest from `low` to `high` bytes a second, without gaps; of equals the one that is named first."""
    edges = sorted({low, high, *(edge for edge in _meetings(ways) if low < edge < high)})
    found = [Band(fastest(ways, math.sqrt(one * other)), one, other) for one, other in pairwise(edges)]
    return list(_joined(found))


def fastest(ways: Sequence[Way], bytes_per_s: float) -> Way:
    return min(ways, key=lambda way: way.seconds(bytes_per_s))


def _meetings(ways: Sequence[Way]) -> Iterator[float]:
    for one in ways:
        for other in ways:
            if one.bytes < other.bytes and one.fixed_s > other.fixed_s:
                yield faster_below(one, other)


def _joined(found: Sequence[Band]) -> Iterator[Band]:
    begun = found[0]
    for band in found[1:]:
        if band.way != begun.way:
            yield begun
            begun = band
        else:
            begun = Band(begun.way, begun.low, band.high)
    yield begun


def mbps(bytes_per_s: float) -> float:
    return bytes_per_s / BYTES_OF_A_MEGABIT
