"""The newest-frame loop: a detector takes the newest frame there is, and what comes while it runs is skipped.

A camera delivers frame f at f / fps. Whoever is free takes the newest frame; the next one is the newest when it is done, or,
where none came meanwhile, the next to come. What people see at a skipped frame are the boxes of an earlier one. How that is
scored is one of two rules, which are never mixed in a table:

hold    a processed frame is scored with its own boxes, a skipped one with those of the frame processed last before it;
strict  a frame is scored with the newest result that was finished when it came, as streaming accuracy is (Li, Wang, Ramanan:
        "Towards Streaming Perception", ECCV 2020, arXiv 2005.10420).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np

from worker.detection.boxes import Detections, Places

Rule = Literal["hold", "strict"]
RULES: tuple[Rule, ...] = ("hold", "strict")
# Of a frame: sums of seconds are not exact.
ROUNDING = 1e-6


class Taken(NamedTuple):
    """A frame that was processed, from when to when."""

    frame: int
    at_s: float
    done_s: float


class Timed(Protocol):
    @property
    def frame(self) -> int: ...
    @property
    def done_s(self) -> float: ...


def taken(fps: float, frames: int, spend_s: Callable[[int, float], float]) -> Iterator[Taken]:
    """The frames that are processed. `spend_s(frame, now)`: seconds that this one takes."""
    now, last = 0.0, -1
    while True:
        newest = int(now * fps + ROUNDING)
        if newest <= last:
            newest = last + 1
            now = newest / fps
        if newest >= frames:
            return
        done = now + spend_s(newest, now)
        yield Taken(newest, now, done)
        now, last = done, newest


def shown(steps: Sequence[Timed], fps: float, frames: int, rule: Rule) -> Places:
    """Which of the steps is seen at each frame, (frames,); -1 where nothing is yet."""
    every = np.arange(frames)
    if rule == "hold":
        return np.searchsorted([step.frame for step in steps], every, side="right") - 1
    return np.searchsorted([step.done_s * fps - ROUNDING for step in steps], every, side="right") - 1


NOTHING = Detections()


def seen(found: Sequence[Detections], places: Places) -> list[Detections]:
    """What is seen at each frame: the very boxes of the step that `shown` names."""
    return [found[place] if place >= 0 else NOTHING for place in places]
