"""Average precision at an overlap of one half, pooled over frames: the precision at each share of the objects found, averaged.

The boxes of all frames stand in one list, the highest score first. In its own frame a box takes, of the objects that no better
box took, the one that it overlaps most; overlapping it by half it is a hit. Precision is made to fall, never to rise, as more is
found, and integrated over what is found (as in PASCAL VOC since 2010). It is never averaged over frames: a frame with one object
would count like one with twenty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.detection.boxes import Detections, Flags, Numbers, Places, iou

OVERLAP = 0.5
# So many frames are judged at once: their overlaps fit into a processor's cache.
AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Judged:
    """Every shown box of a video: its frame, score and height, whether it is a hit, and the object it hit (-1: none).

    `truths`: how many objects each frame has, (frames,).
    """

    frames: Places
    scores: Numbers
    heights: Numbers
    hits: Flags
    objects: Places
    truths: Places

    def within(self, first: int, end: int) -> float | None:
        """Average precision of the frames from `first` until before `end`."""
        inside = (self.frames >= first) & (self.frames < end)
        return average_precision(self.scores[inside], self.hits[inside], int(self.truths[first:end].sum()))

    @property
    def whole(self) -> float | None:
        return self.within(0, len(self.truths))


def average_precision(scores: Numbers, hits: Flags, objects: int) -> float | None:
    """None where there is nothing to be found."""
    if not objects:
        return None
    found = hits[np.argsort(-scores, kind="stable")]
    right = np.cumsum(found)
    precision = right / np.arange(1, len(found) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[found].sum() / objects)


def judge(shown: Sequence[Detections], truth: Sequence[Numbers], overlap: float = OVERLAP) -> Judged:
    """What is shown at each frame, held against the objects that are there."""
    parts = [_judged(shown[begin:begin + AT_ONCE], truth[begin:begin + AT_ONCE], begin, overlap)
             for begin in range(0, len(truth), AT_ONCE)]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.zeros(0)] * 5
    frames, scores, heights, hits, objects = columns
    return Judged(frames.astype(int), scores, heights, hits.astype(bool), objects.astype(int),
                  np.array([len(each) for each in truth], int))


def _judged(shown: Sequence[Detections], truth: Sequence[Numbers], begin: int, overlap: float) -> list[Numbers]:
    boxes, there = _padded([each.boxes for each in shown])
    objects, exist = _padded(list(truth))
    overlaps = np.where(there[:, :, None] & exist[:, None, :], iou(boxes, objects), -1.0)
    taken = _greedily(overlaps, overlap)
    frames = begin + np.nonzero(there)[0]
    scores = np.concatenate([each.scores for each in shown])
    return [frames, scores, boxes[there][:, 3], taken[there] >= 0, taken[there]]


def _greedily(overlaps: Numbers, least: float) -> Places:
    """Box by box, the best score first, in all frames at once; (frames, boxes) of the objects taken, -1 for none."""
    frames, boxes, objects = overlaps.shape
    taken = np.full((frames, boxes), -1)
    if not objects:
        return taken
    free, every = np.ones((frames, objects), bool), np.arange(frames)
    for place in range(boxes):
        left = np.where(free, overlaps[:, place], -1.0)
        best = left.argmax(1)
        hit = left[every, best] >= least
        taken[hit, place] = best[hit]
        free[every[hit], best[hit]] = False
    return taken


def _padded(given: Sequence[Numbers]) -> tuple[Numbers, Flags]:
    """Lists of boxes as one array, and where there is one."""
    most = max((len(each) for each in given), default=0)
    there = np.arange(most) < np.array([len(each) for each in given])[:, None]
    made = np.zeros((len(given), most, 4))
    made[there] = np.concatenate(list(given)) if given else made[there]
    return made, there
