"""One detector all the time, and a list of who runs when that somebody else has made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from worker.detection.rehearsal import Told


@dataclass(frozen=True)
class Fixed:
    """Always the same."""

    detector: int

    def choose(self, frame: int) -> tuple[int, ...]:
        return (self.detector,)

    def learn(self, told: Told) -> None:
        """It learns nothing."""


@dataclass(frozen=True)
class Listed:
    """Whoever the list names for the stretch of `window` frames that the frame lies in."""

    detectors: Sequence[int]
    window: int

    def choose(self, frame: int) -> tuple[int, ...]:
        return (self.detectors[min(frame // self.window, len(self.detectors) - 1)],)

    def learn(self, told: Told) -> None:
        """It learns nothing."""
