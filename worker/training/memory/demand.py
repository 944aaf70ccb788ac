"""How many bytes a step of training needs for a batch, and which batch a budget has room for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MB = 1e6


@dataclass(frozen=True)
class Demand:
    """Moments of a step as (bytes whatever the batch, bytes a sample); only those that are the largest for some batch."""

    moments: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, moments: Iterable[tuple[int, int]]) -> Demand:
        """Without moments that another one is never below."""
        kept: list[tuple[int, int]] = []
        for fixed, per_sample in sorted(set(moments), reverse=True):
            if not kept or per_sample > kept[-1][1]:
                kept.append((fixed, per_sample))
        return cls(tuple(kept))

    def bytes(self, batch: int) -> int:
        return max(fixed + per_sample * batch for fixed, per_sample in self.moments)

    def largest(self, budget: float, most: int) -> int:
        """The largest batch up to `most` that fits; 0 where none does."""
        rooms = (most if not per_sample and fixed <= budget else -1 if not per_sample else int((budget - fixed) // per_sample)
                 for fixed, per_sample in self.moments)
        return max(0, min(most, *rooms))

    def beside(self, resident: int) -> Demand:
        """With so many bytes more that are there all the while."""
        return Demand(tuple((fixed + resident, per_sample) for fixed, per_sample in self.moments))

    @property
    def at_rest(self) -> int:
        """What is needed before the first sample: `c` of the line c + s b that is drawn above all moments."""
        return self.moments[0][0]

    @property
    def a_sample(self) -> int:
        """`s` of that line."""
        return self.moments[-1][1]
