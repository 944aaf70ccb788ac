"""A synthetic video with its truth: upright boxes that move through a picture, scene after scene. What is there is known exactly.

Objects keep their size, move straight on and turn back at the edges of the picture. No object hides another, and none comes or
goes within a scene: real videos are harder in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from worker.detection.boxes import Numbers
from worker.detection.lines import HEIGHT_PX, WIDTH_PX, Scene

# Width of an upright person over the height.
SLENDER = 0.41
# How far speeds of one scene differ from the one that was said, and how steep a way may be (radians).
SPREAD, STEEPEST = 0.3, 0.3


@dataclass(frozen=True, eq=False)
class Video:
    """`truth`: the boxes of each frame. `scenes`: name, first frame and the frame behind the last of each."""

    truth: list[Numbers]
    fps: float
    scenes: tuple[tuple[str, int, int], ...]
    width: int = WIDTH_PX
    height: int = HEIGHT_PX

    @property
    def frames(self) -> int:
        return len(self.truth)


def film(scenes: Sequence[Scene], fps: float, seed: int) -> Video:
    """The scenes one after the other. The same seed films the same; a scene is not another one because of those before it."""
    filmed = [_filmed(scene, np.random.default_rng([seed, place])) for place, scene in enumerate(scenes)]
    ends = list(accumulate(scene.frames for scene in scenes))
    parts = tuple((scene.name, end - scene.frames, end) for scene, end in zip(scenes, ends, strict=True))
    return Video([boxes for each in filmed for boxes in each], fps, parts)


def _filmed(scene: Scene, dice: np.random.Generator) -> Numbers:
    """(frames, objects, 4)."""
    heights = np.exp(dice.uniform(np.log(scene.low_px), np.log(scene.high_px), scene.objects))
    sizes = np.stack([SLENDER * heights, heights], 1)
    room = np.array([WIDTH_PX, HEIGHT_PX]) - sizes
    begin = dice.uniform(0, 1, (scene.objects, 2)) * room
    angles = dice.uniform(-STEEPEST, STEEPEST, scene.objects) + np.pi * dice.integers(0, 2, scene.objects)
    speeds = scene.speed * dice.uniform(1 - SPREAD, 1 + SPREAD, scene.objects) * sizes[:, 0]
    steps = speeds[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    way = begin + np.arange(scene.frames)[:, None, None] * steps
    found: Numbers = np.concatenate([_turned(way, room), np.broadcast_to(sizes, way.shape)], 2)
    return found


def _turned(way: Numbers, room: Numbers) -> Numbers:
    """Back from the edges: a way from 0 to `room` and back to 0."""
    found: Numbers = room - np.abs(way % (2 * room) - room)
    return found
