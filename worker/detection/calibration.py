"""What is known of each detector before it is used: measured once, on footage with truth that is used for nothing else.

By bins of the height of objects: the average precision, the share that is found, and wrong boxes a frame. And how far two boxes
of one object that does not move lie apart: without it the scatter of boxes would be taken for speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.detection.accuracy import average_precision, judge
from worker.detection.boxes import Detections, Numbers, Places, centres
from worker.detection.emulated import recall_at
from worker.detection.lines import HEIGHT_PX, Detector

# Between bins of height, in px of a picture 360 px high.
EDGES_PX = (12.0, 20.0, 30.0, 45.0, 65.0, 100.0)
# Of fewer objects a bin's numbers are taken from its neighbours.
FEWEST = 30
CONFIDENCE = 0.3


@dataclass(frozen=True, eq=False)
class Calibration:
    """edges: (bins - 1,) px; precision and recall: (detectors, bins); wrong: (detectors, bins), wrong boxes a frame; wobble:
    (detectors,) of its sides, squared, the median. Boxes below `confidence` count in the precision alone."""

    edges: Numbers
    precision: Numbers
    recall: Numbers
    wrong: Numbers
    wobble: Numbers
    confidence: float = CONFIDENCE

    def bins(self, heights: Numbers) -> Places:
        """The bin that each height falls into."""
        return np.digitize(heights, self.edges)


def edges_of(height: float) -> Numbers:
    """The edges of bins in a picture so many px high."""
    return np.array(EDGES_PX) * height / HEIGHT_PX


def calibrate(footage: Sequence[Sequence[Detections]], truth: Sequence[Numbers], height: float = HEIGHT_PX,
              confidence: float = CONFIDENCE) -> Calibration:
    """Of each detector's footage, held against the truth."""
    edges = edges_of(height)
    each = [_measured(found, truth, edges, confidence) for found in footage]
    precision, recall, wrong, wobble = (np.array(column) for column in zip(*each, strict=True))
    return Calibration(edges, precision, recall, wrong, wobble, confidence)


def _measured(found: Sequence[Detections], truth: Sequence[Numbers], edges: Numbers,
              confidence: float) -> tuple[Numbers, Numbers, Numbers, float]:
    judged = judge(found, truth)
    objects = np.concatenate(list(truth))
    first = np.concatenate([[0], np.cumsum(judged.truths)])[judged.frames]
    hit = judged.hits
    of_object = np.digitize(objects[:, 3], edges)
    # A hit counts in the bin of its object, a miss in that of its own height.
    of_box = np.digitize(judged.heights, edges)
    of_box[hit] = of_object[(first + judged.objects)[hit]]
    counts = np.bincount(of_object, minlength=len(edges) + 1)
    precision = [average_precision(judged.scores[of_box == place], hit[of_box == place], int(count)) or 0.0
                 for place, count in enumerate(counts)]
    sure = judged.scores >= confidence
    recall = np.bincount(of_box[hit & sure], minlength=len(counts)) / np.maximum(counts, 1)
    wrong = np.bincount(of_box[~hit & sure], minlength=len(counts)) / len(truth)
    boxes = np.concatenate([each.boxes for each in found])[hit]
    wobble = _wobble(boxes, objects[(first + judged.objects)[hit]])
    return _filled(np.array(precision), counts), _filled(recall, counts), wrong, wobble


def _filled(values: Numbers, counts: Places) -> Numbers:
    """Bins of too few objects as their neighbours say."""
    known = np.nonzero(counts >= FEWEST)[0]
    return np.interp(np.arange(len(values)), known, values[known]) if len(known) else values


def _wobble(boxes: Numbers, objects: Numbers) -> float:
    """The median of the squared distance between two boxes of the same object at rest, each axis in that side of it."""
    if len(boxes) < 2:
        return 0.0
    off = (centres(boxes) - centres(objects)) / objects[:, 2:]
    return float(np.median(((off - np.roll(off, 1, 0)) ** 2).sum(1)))


def stated(detectors: Sequence[Detector], height: float = HEIGHT_PX, confidence: float = CONFIDENCE) -> Calibration:
    """Where there is no footage with truth: what the detectors' lines say, wrong boxes of any size, and no wobble."""
    edges = edges_of(height)
    middles = np.sqrt(np.concatenate([[edges[0] / 2], edges]) * np.concatenate([edges, [2 * edges[-1]]]))
    recall = np.array([recall_at(each, middles) for each in detectors])
    wrong = np.array([[each.false_positives / len(middles)] * len(middles) for each in detectors])
    return Calibration(edges, recall, recall, wrong, np.zeros(len(detectors)), confidence)
