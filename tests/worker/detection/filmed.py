"""Videos and detectors that several tests watch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.detection import emulated, lines
from worker.detection.boxes import Detections, Numbers
from worker.detection.calibration import Calibration, calibrate
from worker.detection.latency import Machine
from worker.detection.rehearsal import Footage
from worker.detection.video import Video, film

FPS = 30.0
DETECTORS = lines.read_detectors(
    "tiny-288: 27 ms, h50 55 px, recall 0.9, false positives 0.3; tiny-416: 40 ms, h50 40 px, recall 0.92, false positives 0.3;"
    "full-288: 126 ms, h50 20 px, recall 0.95, false positives 0.2;"
    "full-416: 216 ms, h50 13 px, recall 0.97, false positives 0.2")
NOMINAL_MS = tuple(each.latency_ms for each in DETECTORS)


def video(text: str, seed: int = 3) -> Video:
    return film(lines.read_scenes(text), FPS, seed)


def footage(filmed: Video, seed: int = 3) -> Footage:
    return Footage(emulated.watched(DETECTORS, filmed, seed), filmed.fps)


def moved(boxes: Numbers, right: float, down: float = 0.0) -> Numbers:
    """The same boxes elsewhere, in px."""
    return boxes + np.array([right, down, 0.0, 0.0])


def perfect(truth: Sequence[Numbers]) -> list[Detections]:
    return [Detections.of(boxes, np.ones(len(boxes))) for boxes in truth]


def machine(*nominal_ms: float) -> Machine:
    return Machine(nominal_ms or NOMINAL_MS)


def known(seed: int = 77) -> Calibration:
    filmed = video("; ".join(f"{speed}: 100 frames, heights 8 to 300 px, speed {speed}, 12 objects" for speed in (0, 0.05)), seed)
    return calibrate(footage(filmed, seed).found, filmed.truth)
