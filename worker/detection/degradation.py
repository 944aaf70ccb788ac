"""What share of a detection's boxes still fit when they are a few frames old and what they show has moved on.

Two forms behind one interface. A box that moved by d of its widths overlaps its old place by (1 - d) / (1 + d): by half or more
while d < 1/3. Objects differ in speed and boxes scatter, so the edge is soft (logistic); or a fixed share falls away with every
frame (linear). Both are reconstructions: the paper's equations are not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from worker.detection.boxes import Numbers

Form = Literal["logistic", "linear"]
# The distance in sides at which boxes of one size overlap by half.
HALF = 1 / 3


class Degradation(Protocol):
    def left(self, ages: Numbers, speed: float) -> Numbers:
        """The share that still fits after so many frames, 1 at age 0 and never rising; speed in sides of a box a frame."""
        ...


@dataclass(frozen=True)
class Logistic:
    """1 / (1 + exp(steepness (age speed - middle / 3))) over its value at age 0. `middle`: 1 is where overlap is one half."""

    steepness: float = 14.0
    middle: float = 0.85

    def left(self, ages: Numbers, speed: float) -> Numbers:
        def survives(moved: Numbers) -> Numbers:
            return 1 / (1 + np.exp(np.minimum(self.steepness * (moved - self.middle * HALF), 500.0)))

        found: Numbers = survives(ages * speed) / survives(np.zeros(1))
        return found


@dataclass(frozen=True)
class Linear:
    """max(0, 1 - beta age), with beta = `factor` speed."""

    factor: float = 1.5

    def left(self, ages: Numbers, speed: float) -> Numbers:
        return np.maximum(0.0, 1 - self.factor * speed * ages)


def survival(form: Degradation, per_detection: float, speed: float, age: float = 0.0) -> float:
    """The mean share that still fits over the frames that one detection serves.

    `per_detection`: frames that come while it runs, latency times fps; a fraction is the share of detections that serve one frame
    more. `age`: frames that pass before it is seen at all.
    """
    frames = max(1.0, per_detection)
    ages: Numbers = np.arange(np.ceil(frames - 1e-9), dtype=float)
    weights = np.minimum(1.0, frames - ages)
    return float((weights * form.left(age + ages, speed)).sum() / frames)
