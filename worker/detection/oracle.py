"""The best detector of each stretch of a video, known from the truth: what no policy can know, and each is held against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.detection.accuracy import Judged
from worker.detection.policies.fixed import Listed


def oracle(alone: Sequence[Judged], window: int) -> Listed:
    """`alone`: how each detector does when it runs all the time. Of stretches of `window` frames the best of each one's.

    It changes without knowing what a change costs, so somebody else can be better.
    """
    frames = len(alone[0].truths)
    starts = range(0, frames, window)
    table = np.array([[each.within(begin, begin + window) or 0.0 for begin in starts] for each in alone])
    return Listed([int(best) for best in table.argmax(0)], window)
