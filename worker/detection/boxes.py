"""Boxes as rows of left, top, width and height in pixels, and what a detector says of one frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


def none() -> Numbers:
    return np.zeros((0, 4))


@dataclass(frozen=True, eq=False)
class Detections:
    """What one detector found in one frame. boxes: (n, 4), scores: (n,), the highest score first."""

    boxes: Numbers = field(default_factory=none)
    scores: Numbers = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, boxes: Any, scores: Any) -> Detections:
        """In the order of their scores; those alike stay as they came."""
        boxes, scores = np.asarray(boxes, float).reshape(-1, 4), np.asarray(scores, float)
        order = np.argsort(-scores, kind="stable")
        return cls(boxes[order], scores[order])

    def sure(self, confidence: float) -> Numbers:
        """The boxes whose score is at least `confidence`."""
        return self.boxes[self.scores >= confidence]


def centres(boxes: Numbers) -> Numbers:
    return boxes[..., :2] + boxes[..., 2:] / 2


def areas(boxes: Numbers) -> Numbers:
    found: Numbers = boxes[..., 2] * boxes[..., 3]
    return found


def iou(one: Numbers, other: Numbers) -> Numbers:
    """Intersection over union of every box with every other: (..., n, 4) and (..., m, 4) give (..., n, m).

    A box moved along one side by d of it, of the same size, has (1 - d) / (1 + d).
    """
    both = _shared(one, other, 0) * _shared(one, other, 1)
    union = areas(one)[..., :, None] + areas(other)[..., None, :] - both
    found: Numbers = np.divide(both, union, out=np.zeros_like(both), where=union > 0)
    return found


def _shared(one: Numbers, other: Numbers, axis: int) -> Numbers:
    """The length that each pair has in common, along the width (0) or the height (1)."""
    begin = np.maximum(one[..., :, None, axis], other[..., None, :, axis])
    end = np.minimum((one[..., axis] + one[..., axis + 2])[..., :, None], (other[..., axis] + other[..., axis + 2])[..., None, :])
    end -= begin
    found: Numbers = np.maximum(end, 0, out=end)
    return found
