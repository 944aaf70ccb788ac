"""A sheet of training images for pages: a column for each of the first classes, a few images in it, as one PNG."""

from __future__ import annotations

import numpy as np
from PIL import Image

from worker.datasets.data import Data, Part

MOST_CLASSES, IMAGES_A_CLASS = 12, 4
# A tile is no larger than this at either side; smaller images stay as they are.
LARGEST_TILE = 96
MODES = {"grey": "L", "RGB": "RGB", "BGR": "RGB", "RGBA": "RGBA"}


def drawn(data: Data) -> Image.Image | None:
    """None for images that no screen shows."""
    mode = MODES.get(data.channel_order)
    if mode is None or len(mode) != data.in_shape[0]:
        return None
    columns = min(data.classes, MOST_CLASSES)
    height, width = _tile(data)
    sheet = Image.new(mode, (columns * width, IMAGES_A_CLASS * height), "white")
    for label in range(columns):
        for row, place in enumerate(_chosen(data.parts["train"], label)):
            tile = _image(data, place, mode).resize((width, height), Image.Resampling.BILINEAR)
            sheet.paste(tile, (label * width, row * height))
    return sheet


def _tile(data: Data) -> tuple[int, int]:
    _, height, width = data.in_shape
    scale = min(1.0, LARGEST_TILE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _chosen(part: Part, label: int) -> list[int]:
    """Spread over the class, not only its first ones, which often resemble each other."""
    there = np.flatnonzero(part.labels.numpy() == label)
    if not len(there):
        return []
    places = np.linspace(0, len(there) - 1, min(IMAGES_A_CLASS, len(there))).round().astype(int)
    return [int(place) for place in there[places]]


def _image(data: Data, place: int, mode: str) -> Image.Image:
    pixels = data.parts["train"].images[place].numpy().transpose(1, 2, 0)
    pixels = pixels[..., ::-1] if data.channel_order == "BGR" else pixels
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if mode == "L" else pixels))
