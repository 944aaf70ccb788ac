"""ROMA: from the boxes alone, how accurate would each detector be in real time now? The best runs, where better by a margin.

Three estimates, none of which needs a label: how large objects are (which detectors find them), how fast they move (how quickly
boxes grow old), and how slow the machine is (how old boxes get). Real-time accuracy is the accuracy on objects of these sizes
that stand still, times the share of boxes that still fit over the frames that one detection serves, once for what is found and
once for what is wrong. Only ratios to the detector in use count. Lee, Varghese, Vandierendonck: "ROMA: Run-Time Object
Detection To Maximize Real-Time Accuracy", WACV 2023, arXiv 2210.16083; its equations are not at hand, and these are a
reconstruction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from worker.detection.boxes import Numbers
from worker.detection.calibration import Calibration
from worker.detection.degradation import Degradation, Logistic, survival
from worker.detection.memory import Memory
from worker.detection.newest import Rule
from worker.detection.rehearsal import Told
from worker.detection.sizes import Sizes
from worker.detection.speed import Speed

LATENCY_WEIGHT = 0.5
# A box that is left behind is a wrong box and its object a missed one: precision and recall both have that share.
BOTH = 2


@dataclass(frozen=True)
class Knobs:
    """`margin`: how much better another one has to be; `dwell`: detections before it may change again.

    `aim`: the rule by which real-time accuracy is meant.
    """

    margin: float = 0.03
    dwell: int = 2
    memory: Memory = field(default_factory=Memory)
    form: Degradation = field(default_factory=Logistic)
    aim: Rule = "hold"


class Roma:
    """Detectors are numbered from the fastest to the slowest; it begins with the last, which sees most."""

    def __init__(self, known: Calibration, nominal_ms: Sequence[float], fps: float, knobs: Knobs | None = None) -> None:
        self.knobs = knobs or Knobs()
        self.nominal_ms: Numbers = np.array(nominal_ms)
        self.fps = fps
        self.sizes, self.speed = Sizes(known, self.knobs.memory), Speed(known, self.knobs.memory)
        self.slowdown = 1.0
        self._detector, self._stayed = len(nominal_ms) - 1, 0

    def choose(self, frame: int) -> tuple[int, ...]:
        relative = self.relative()
        best = int(np.argmax(relative))
        if self._stayed >= self.knobs.dwell and relative[best] > 1 + self.knobs.margin:
            self._detector, self._stayed = best, 0
        return (self._detector,)

    def learn(self, told: Told) -> None:
        detector = told.ran[0]
        self._stayed += 1
        self.sizes.learn(told.frame, told.found[0], detector)
        self.speed.learn(told.frame, told.found[0], detector)
        ratio = told.latency_ms[0] / self.nominal_ms[detector]
        self.slowdown += LATENCY_WEIGHT * (ratio - self.slowdown)

    def accuracy(self) -> Numbers:
        """The estimate of each detector's average precision in real time, (detectors,)."""
        frames = self.nominal_ms * self.slowdown / 1e3 * self.fps
        speed, form, aim = self.speed.sides_per_frame, self.knobs.form, self.knobs.aim
        # Under the strict rule nothing is seen before it is finished.
        left = [survival(form, each, speed, age=max(1.0, each) if aim == "strict" else 0.0) for each in frames]
        found: Numbers = self.sizes.precision() * np.array(left) ** BOTH
        return found

    def relative(self) -> Numbers:
        """Each detector's estimate over that of the one in use."""
        found = self.accuracy()
        relative: Numbers = found / max(float(found[self._detector]), 1e-9)
        return relative
