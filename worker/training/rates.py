"""The learning rate over the epochs: from each value that was given it falls to zero along half a cosine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """Which value was given from which epoch on, the first from epoch 1."""

    given: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, given: Iterable[Iterable[float]]) -> Rates:
        return cls(tuple((int(first), float(value)) for first, value in given))

    @property
    def latest(self) -> float:
        return self.given[-1][1]

    @property
    def changed(self) -> bool:
        return len(self.given) > 1

    def then(self, epoch: int, value: float) -> Rates:
        """With another value from `epoch` on; the same where nothing changes."""
        kept = tuple(pair for pair in self.given if pair[0] < epoch)
        return self if value == self.latest else Rates((*kept, (epoch, value)))

    def at(self, epoch: int, epochs: int, *, step: int = 0, steps: int = 1) -> float:
        """The rate of step `step` (from 0) of the `steps` of epoch `epoch` (from 1), in a training of `epochs`."""
        first, value = next(pair for pair in reversed(self.given) if pair[0] <= epoch)
        done, total = (epoch - first) * steps + step, (epochs - first + 1) * steps
        return value * 0.5 * (1 + math.cos(math.pi * done / total))
