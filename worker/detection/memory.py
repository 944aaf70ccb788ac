"""How quickly what was seen of a video is forgotten: by frames that passed, not by detections: fast detectors make more."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """After `frames` frames what was known counts for 1/e."""

    frames: float = 10.0

    def weight(self, passed: int | None) -> float:
        """Of what is new, so many frames after the last; all of it where there is none."""
        return 1.0 if passed is None else 1 - math.exp(-passed / self.frames)
