"""How large the objects of a video are at the moment: a histogram of heights from the boxes of whatever detector runs."""

from __future__ import annotations

import numpy as np

from worker.detection.boxes import Detections, Numbers
from worker.detection.calibration import Calibration
from worker.detection.memory import Memory

# A detector that finds less than this share of a size is not trusted to count them.
LEAST_RECALL = 0.1


class Sizes:
    """How many objects there are in each bin. A box counts for those that its detector misses at that height; so many boxes as
    are wrong anyway are taken off."""

    def __init__(self, known: Calibration, memory: Memory) -> None:
        self.known, self.memory = known, memory
        self.counts: Numbers = np.ones(known.recall.shape[1])
        self._last: int | None = None

    @property
    def shares(self) -> Numbers:
        """Of each bin, (bins,); they sum to 1."""
        there = np.clip(self.counts, 0, None)
        total = there.sum()
        found: Numbers = there / total if total > 0 else np.full(len(there), 1 / len(there))
        return found

    def learn(self, frame: int, found: Detections, detector: int) -> None:
        """A frame without boxes tells nothing: what was known stays."""
        boxes = found.sure(self.known.confidence)
        if not len(boxes):
            return
        seen = np.bincount(self.known.bins(boxes[:, 3]), minlength=len(self.counts)) - self.known.wrong[detector]
        there = seen / np.maximum(self.known.recall[detector], LEAST_RECALL)
        weight = self.memory.weight(None if self._last is None else frame - self._last)
        self._last = frame
        self.counts = self.counts + weight * (there - self.counts)

    def precision(self) -> Numbers:
        """What each detector's average precision would be on objects of these sizes that stand still: (detectors,)."""
        found: Numbers = self.known.precision @ self.shares
        return found
