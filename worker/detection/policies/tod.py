"""TOD: the size of what is seen decides, by thresholds; the larger, the lighter the detector. Compute and motion do not count.

Lee, Varghese, Woods, Vandierendonck: "TOD: Transprecise Object Detection to Maximise Real-Time Accuracy on the Edge", 2021
(ICFEC), arXiv 2105.08668. Its thresholds belong to a set of detectors and a machine; here they are tuned on other footage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from worker.detection.boxes import areas
from worker.detection.rehearsal import Footage, Told

CANDIDATES, ROUNDS = 7, 2
Score = Callable[["Tod"], float]


class Tod:
    """`thresholds`: shares of the picture, rising, one fewer than detectors; above the last of them the fastest runs."""

    def __init__(self, thresholds: Sequence[float], picture: float, confidence: float) -> None:
        self.thresholds, self.picture, self.confidence = tuple(thresholds), picture, confidence
        self._detector = len(self.thresholds)  # It begins with the most accurate.

    def choose(self, frame: int) -> tuple[int, ...]:
        return (self._detector,)

    def learn(self, told: Told) -> None:
        boxes = told.found[0].sure(self.confidence)
        if len(boxes):
            share = float(np.median(areas(boxes))) / self.picture
            self._detector = len(self.thresholds) - int(np.searchsorted(self.thresholds, share))


def tuned(footage: Footage, picture: float, confidence: float, score: Score) -> tuple[float, ...]:
    """The thresholds that score best: each in turn over candidates, the others held, twice round."""
    every = [float(np.median(areas(boxes))) / picture for each in footage.found for found in each
             if len(boxes := found.sure(confidence))]
    candidates = [float(each) for each in np.quantile(every or [0.0], np.linspace(0.02, 0.98, CANDIDATES))]
    found = candidates[::max(1, CANDIDATES // len(footage.found))][:len(footage.found) - 1]
    for _ in range(ROUNDS):
        for place in range(len(found)):
            tries = [sorted([*found[:place], each, *found[place + 1:]]) for each in candidates]
            found = max([found, *tries], key=lambda each: score(Tod(each, picture, confidence)))
    return tuple(found)
