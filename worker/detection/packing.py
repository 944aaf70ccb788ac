"""Boxes as a short text that an event can carry: eight signs a box, two each for left, top, right and bottom.

A number is 0 to 1295 in base 36, the share of the picture's width or height; static/js/charts/scene.js reads it. What lies
outside of the picture is moved to its edge.
"""

from __future__ import annotations

import numpy as np

from worker.detection.boxes import Numbers

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
MOST = len(DIGITS) ** 2 - 1
# An event's labels are part of its key, which an index holds.
MOST_BOXES = 60


def packed(boxes: Numbers, width: float, height: float) -> str:
    """The first so many boxes that an event may carry."""
    kept = boxes[:MOST_BOXES]
    corners = np.concatenate([kept[:, :2], kept[:, :2] + kept[:, 2:]], 1) / [width, height, width, height]
    return "".join(DIGITS[high] + DIGITS[low]
                   for high, low in zip(*divmod(np.clip(np.rint(corners * MOST), 0, MOST).astype(int).ravel(), 36), strict=True))
