"""Detectors that are emulated: what such a curve would find of a video whose truth is known, with its errors.

An object of height h is found with the probability recall / (1 + (h50 / h)^4); its box is off by a share of its size; wrong boxes
come by chance, so many a frame on average. Each frame is drawn on its own: a real detector that misses an object now rather
misses it in the next frame too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.detection.boxes import Detections, Flags, Numbers, Places
from worker.detection.lines import Detector
from worker.detection.video import SLENDER, Video

STEEPNESS = 4
# Standard deviation of a box's centre and size, as a share of its own size.
OFF = 0.04
# Scores of what is there, by how easily it is found; of what is not.
SURE, EASIER, BLUR = 0.45, 0.45, 0.12
WRONG_LOW, WRONG_HIGH = 0.05, 0.75
# Heights of wrong boxes.
WRONG_LEAST_PX, WRONG_MOST_PX = 10.0, 120.0


def recall_at(detector: Detector, heights: Numbers) -> Numbers:
    """The share of objects of these heights, in px, that it finds."""
    found: Numbers = detector.recall / (1 + (detector.h50_px / heights) ** STEEPNESS)
    return found


def watch(detector: Detector, video: Video, seed: int, place: int) -> list[Detections]:
    """What it says of each frame. `place`: its number among the detectors, so that each has chances of its own."""
    dice = np.random.default_rng([seed, 1_000 + place])
    counts = np.array([len(boxes) for boxes in video.truth])
    objects = np.concatenate(video.truth) if counts.sum() else np.zeros((0, 4))
    right, wrong = _right(detector, objects, dice), _wrong(detector, video, dice)
    where = np.repeat(np.arange(video.frames), counts)[right[2]]
    frames = np.concatenate([where, wrong[2]])
    return _by_frame(np.concatenate([right[0], wrong[0]]), np.concatenate([right[1], wrong[1]]), frames, video.frames)


def _right(detector: Detector, objects: Numbers, dice: np.random.Generator) -> tuple[Numbers, Numbers, Flags]:
    """Boxes and scores of what it finds, and which of the objects these are."""
    ease = recall_at(detector, objects[:, 3])
    found = dice.random(len(objects)) < ease
    off = dice.normal(0, OFF, (len(objects), 4))
    scores = np.clip(dice.normal(SURE + EASIER * ease, BLUR), 0.01, 0.99)
    sizes = objects[:, 2:] * np.exp(off[:, 2:])
    corners = objects[:, :2] + objects[:, 2:] / 2 + off[:, :2] * objects[:, 2:] - sizes / 2
    return np.concatenate([corners, sizes], 1)[found], scores[found], found


def _wrong(detector: Detector, video: Video, dice: np.random.Generator) -> tuple[Numbers, Numbers, Places]:
    """Boxes and scores of what is not there, and the frame of each."""
    counts = dice.poisson(detector.false_positives, video.frames)
    heights = np.exp(dice.uniform(np.log(WRONG_LEAST_PX), np.log(WRONG_MOST_PX), counts.sum()))
    sizes = np.stack([SLENDER * heights, heights], 1)
    corners = dice.uniform(0, 1, sizes.shape) * (np.array([video.width, video.height]) - sizes)
    scores = dice.uniform(WRONG_LOW, WRONG_HIGH, counts.sum())
    return np.concatenate([corners, sizes], 1), scores, np.repeat(np.arange(video.frames), counts)


def _by_frame(boxes: Numbers, scores: Numbers, frames: Places, count: int) -> list[Detections]:
    order = np.argsort(frames, kind="stable")
    ends = np.searchsorted(frames[order], np.arange(1, count))
    return [Detections.of(*each) for each in zip(np.split(boxes[order], ends), np.split(scores[order], ends), strict=True)]


def watched(detectors: Sequence[Detector], video: Video, seed: int) -> list[list[Detections]]:
    """What each detector says of each frame."""
    return [watch(detector, video, seed, place) for place, detector in enumerate(detectors)]
