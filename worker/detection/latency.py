"""What detections take: each detector's own time, times what the machine is slowed down by, and how it scatters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.detection.boxes import Numbers
from worker.detection.lines import Drift


@dataclass(frozen=True, eq=False)
class Machine:
    """`nominal_ms`: each detector's time on the machine at rest. `scatter`: a factor each, (detectors, frames).

    `switch_ms`: what the first detection of another detector takes longer.
    """

    nominal_ms: tuple[float, ...]
    drift: tuple[Drift, ...] = ()
    scatter: Numbers | None = None
    switch_ms: float = 0.0

    def times(self, now_s: float) -> float:
        """How many times as long everything takes at that moment."""
        return next((each.times for each in self.drift if each.start_s <= now_s < each.end_s), 1.0)

    def spent_ms(self, detector: int, frame: int, now_s: float) -> float:
        """One detection, begun now, without what a switch costs."""
        scatter = 1.0 if self.scatter is None else float(self.scatter[detector, frame])
        return self.nominal_ms[detector] * self.times(now_s) * scatter


def scattered(frames: int, shares: Sequence[float], seed: int) -> Numbers:
    """A factor of each detector and frame, never below a half, with these standard deviations around 1: a frame that is slow for
    one detector is so for all."""
    chance = np.random.default_rng([seed, 2_000]).standard_normal(frames)
    return np.clip(1.0 + np.outer(shares, chance), 0.5, None)


def machine(nominal_ms: Sequence[float], drift: Sequence[Drift], frames: int, shares: Sequence[float], switch_ms: float,
            seed: int) -> Machine:
    """`shares`: of each detector how far its times scatter."""
    return Machine(tuple(nominal_ms), tuple(drift), scattered(frames, shares, seed) if any(shares) else None, switch_ms)
