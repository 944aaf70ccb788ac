"""What came of a run with transfer layers, and every way there is to get an answer for an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from worker.partitioning.transfer.asking import Asked
from worker.partitioning.transfer.candidates import Candidate, Unusable
from worker.partitioning.transfer.pictures import Picture, cheapest
from worker.partitioning.transfer.sides import Sides
from worker.partitioning.transfer.trial import Accepted, Base, Refused
from worker.partitioning.transfer.ways import Way, bands, faster_below, fastest

LOWEST, HIGHEST = 1_250.0, 125_000_000.0  # bytes a second: 10 kbit/s to 1 Gbit/s


@dataclass(frozen=True)
class Outcome:
    """`accepted` in the order in which they were found, the first of them is spoken of; `places`: the pairs of devices."""

    asked: Asked
    base: Base
    accepted: Sequence[Accepted]
    refused: Sequence[Refused]
    unusable: Sequence[Unusable]
    pictures: Sequence[Picture]
    places: Sequence[Sides]

    @property
    def shown(self) -> Candidate | None:
        """The cut that is spoken of."""
        tried = [*(each.candidate for each in self.accepted), *(each.candidate for each in self.refused)]
        return tried[0] if tried else None

    @property
    def sides(self) -> Sides:
        return self.places[self.shown.sides if self.shown else 0]

    @property
    def picture(self) -> Picture | None:
        """The smallest that costs no more accuracy than is allowed, on the same images as the one that loses nothing."""
        exact = next((each for each in self.pictures if each.name == "PNG"), None)
        return cheapest(self.pictures, exact.accuracy - self.asked.most_drop - 1e-9) if exact else None

    @property
    def pixels_bytes(self) -> int:
        """Images are kept as bytes, not as float32."""
        return prod(self.base.data.in_shape)

    def layer_way(self, found: Accepted) -> Way:
        sides, candidate = self.places[found.candidate.sides], found.candidate
        return sides.shrunk(candidate.title, candidate.after, candidate.payload_bytes, found.overhead)

    def raw_way(self, candidate: Candidate) -> Way:
        return self.places[candidate.sides].raw(candidate.raw_title, candidate.after, candidate.raw_bytes)

    def ways(self) -> list[Way]:
        """With a transfer layer, without, as a picture, in one place: at the cut that is spoken of and between its sides."""
        return list(self._ways())

    def _ways(self) -> Iterator[Way]:
        if self.shown:
            yield from (self.layer_way(each) for each in self.accepted if each.candidate.sides == self.shown.sides)
            yield self.raw_way(self.shown)
        if self.picture:
            yield self.sides.picture(self.picture)
        yield self.sides.pixels(self.pixels_bytes)
        yield self.sides.local()

    def bands(self) -> list[tuple[Way, float, float]]:
        return [(band.way, band.low, band.high) for band in bands(self.ways(), LOWEST, HIGHEST)]

    def best_now(self) -> Way:
        return fastest(self.ways(), self.sides.bytes_per_s)

    def better_than_raw_below(self, found: Accepted) -> float | None:
        """The break-even bandwidth in bytes a second; none where it sends no less."""
        one, other = self.layer_way(found), self.raw_way(found.candidate)
        return faster_below(one, other) if one.bytes < other.bytes else None
