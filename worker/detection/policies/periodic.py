"""Profiling from time to time: every few seconds all detectors run on a frame, and the heaviest one's boxes pass for the truth.

In the manner of Chameleon: Jiang, Ananthanarayanan, Bodik, Sen, Stoica: "Chameleon: Scalable Adaptation of Video Analytics",
SIGCOMM 2018. The cheapest detector that agrees enough with the heaviest runs until the next time. What profiling costs is paid:
frames are skipped while all of them run.
"""

from __future__ import annotations

import numpy as np

from worker.detection.accuracy import OVERLAP
from worker.detection.boxes import Numbers, iou
from worker.detection.rehearsal import Told

ENOUGH, WEIGHT = 0.8, 0.5


class Periodic:
    """Detectors are numbered from the fastest to the heaviest. `every`: frames from one profiling to the next."""

    def __init__(self, detectors: int, every: int, confidence: float) -> None:
        self.every, self.confidence = every, confidence
        self.agrees: Numbers = np.ones(detectors)
        self._detector, self._next = detectors - 1, 0

    def choose(self, frame: int) -> tuple[int, ...]:
        if frame < self._next:
            return (self._detector,)
        # The heaviest first: it is shown.
        return tuple(range(len(self.agrees) - 1, -1, -1))

    def learn(self, told: Told) -> None:
        if len(told.ran) == 1:
            return
        self._next = told.frame + self.every
        best = told.found[0].sure(self.confidence)
        for detector, found in zip(told.ran, told.found, strict=True):
            self.agrees[detector] += WEIGHT * (agreement(found.sure(self.confidence), best) - self.agrees[detector])
        self._detector = int(np.argmax(self.agrees >= ENOUGH))


def agreement(one: Numbers, other: Numbers) -> float:
    """F1 of boxes against others: twice the pairs that overlap by half, over all boxes."""
    if not len(one) and not len(other):
        return 1.0
    overlaps = iou(one, other)
    pairs = 0
    while overlaps.size and overlaps.max() >= OVERLAP:
        first, second = np.unravel_index(overlaps.argmax(), overlaps.shape)
        overlaps[first, :] = overlaps[:, second] = -1
        pairs += 1
    return 2 * pairs / (len(one) + len(other))
