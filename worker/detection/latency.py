"""What detections take: each detector's own time, times what the machine is slowed down by, and how it scatters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.detection.boxes import Numbers
from worker.detection.lines import Drift


@dataclass(frozen=True, eq=False)
class Machine:
    """`nominal_ms`: each detector's time on the machine at rest. `scatter`: a factor of each frame, (frames,).

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
        scatter = 1.0 if self.scatter is None else float(self.scatter[frame])
        return self.nominal_ms[detector] * self.times(now_s) * scatter


def scattered(frames: int, share: float, seed: int) -> Numbers:
    """A factor of each frame with that standard deviation around 1, never below a half."""
    dice = np.random.default_rng([seed, 2_000])
    return np.clip(dice.normal(1.0, share, frames), 0.5, None)


def machine(nominal_ms: Sequence[float], drift: Sequence[Drift], frames: int, share: float, switch_ms: float,
            seed: int) -> Machine:
    return Machine(tuple(nominal_ms), tuple(drift), scattered(frames, share, seed) if share else None, switch_ms)
