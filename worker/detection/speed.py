"""How fast the objects of a video move, from frame to frame, from the boxes of the last two processed frames.

Measured as overlap feels it: to the side in widths of the box, up and down in its heights. In widths alone the scatter of upright
boxes up and down would weigh six times as much. The camera's own motion counts: a box that is left behind does not ask why.
"""

from __future__ import annotations

import math

import numpy as np

from worker.detection.boxes import Detections, Numbers, centres
from worker.detection.calibration import Calibration
from worker.detection.memory import Memory

# Boxes of one object: so near, in heights (at least, for each frame between, at most), and so alike in height (as logarithm).
NEAREST, A_FRAME, FARTHEST, ALIKE = 0.5, 0.25, 2.0, 0.35
FEWEST = 3
# Without a conclusion for so many times the frames that are remembered, what was concluded counts for 1/e (of the square).
FADES = 6.0
AT_FIRST = 0.02


def matched(before: Numbers, after: Numbers, gap: int) -> tuple[Numbers, Numbers]:
    """Pairs of boxes of two frames `gap` frames apart, the nearest first, each box once; (pairs, 4) and (pairs, 4)."""
    gate = min(FARTHEST, max(NEAREST, A_FRAME * gap))
    far = np.linalg.norm(centres(before)[:, None] - centres(after)[None], axis=2)
    unlike = np.abs(np.log(before[:, None, 3] / after[None, :, 3])) >= ALIKE
    far = np.where(unlike | (far >= gate * before[:, None, 3]), np.inf, far)
    pairs = []
    while far.size and np.isfinite(far.min()):
        one, other = np.unravel_index(far.argmin(), far.shape)
        pairs.append((one, other))
        far[one, :] = far[:, other] = np.inf
    places = np.array(pairs, int).reshape(-1, 2)
    return before[places[:, 0]], after[places[:, 1]]


class Speed:
    """An average that forgets, of squares: what the scatter of boxes adds is taken off, and may leave less than nothing once.

    What nothing was concluded of any more fades: a detector that finds too little to pair would otherwise, by a speed that was
    wrong or is past, keep the one that finds more from being tried for good.
    """

    def __init__(self, known: Calibration, memory: Memory) -> None:
        self.known, self.memory = known, memory
        self.square = AT_FIRST ** 2
        self._last: tuple[int, Numbers, int] | None = None
        self._concluded: int | None = None

    @property
    def sides_per_frame(self) -> float:
        silent = 0 if self._concluded is None or self._last is None else self._last[0] - self._concluded
        return float(np.sqrt(max(0.0, self.square) * math.exp(-silent / (FADES * self.memory.frames))))

    def learn(self, frame: int, found: Detections, detector: int) -> None:
        """What was found in a frame. Of fewer than three pairs nothing is concluded."""
        boxes = found.sure(self.known.confidence)
        last, self._last = self._last, (frame, boxes, detector)
        if last is None or frame <= last[0]:
            return
        before, after = matched(last[1], boxes, frame - last[0])
        if len(before) < FEWEST:
            return
        moved = ((centres(after) - centres(before)) / before[:, 2:]) ** 2
        wobble = (self.known.wobble[last[2]] + self.known.wobble[detector]) / 2
        square = float(np.median(moved.sum(1)) - wobble) / (frame - last[0]) ** 2
        weight = self.memory.weight(None if self._concluded is None else frame - self._concluded)
        self._concluded = frame
        self.square += weight * (square - self.square)
