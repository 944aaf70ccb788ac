"""The handwritten digits that ship with scikit-learn (Alpaydin and Kaynak 1998): 1,797 images of 8x8 pixels.

They are read from scikit-learn's own file, because importing scikit-learn takes longer than the work.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from worker.datasets.data import Data, Part, channel_statistics

SPLIT_SEED = 1998
SIZES = (1257, 180, 360)
BRIGHTEST = 16


@cache
def small() -> Data:
    """1x8x8, as they are, grey values stretched from 0..16 to 0..255."""
    images, labels = _file()
    pixels = (images.float() * (255 / BRIGHTEST)).round_()
    return _data("digits", pixels.to(torch.uint8), labels, channel_order="grey")


@cache
def large() -> Data:
    """3x32x32: enlarged bilinearly and repeated over three channels, for networks that take small colour images."""
    images, labels = _file()
    pixels = F.interpolate(images.float() * (255 / BRIGHTEST), size=(32, 32), mode="bilinear", align_corners=False)
    return _data("digits32", pixels.round_().to(torch.uint8).repeat(1, 3, 1, 1), labels, channel_order="RGB")


def _data(name: str, images: Tensor, labels: Tensor, *, channel_order: str) -> Data:
    train, validation, test = (Part(images[rows], labels[rows]) for rows in _split(labels))
    mean, std = channel_statistics(train.images)
    return Data(
        name=name, in_shape=tuple(images.shape[1:]), classes=10, labels=tuple("0123456789"), mean=mean, std=std,
        channel_order=channel_order, parts={"train": train, "validation": validation, "test": test},
    )


@cache
def _file() -> tuple[Tensor, Tensor]:
    """Images (1797, 1, 8, 8) with values 0..16 and labels (1797,)."""
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise ValueError("The built-in digits need scikit-learn to be installed.")
    rows = np.loadtxt(Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz", delimiter=",", dtype=np.int64)
    table = torch.from_numpy(rows)
    return table[:, :-1].reshape(-1, 1, 8, 8), table[:, -1].contiguous()


def _split(labels: Tensor) -> list[Tensor]:
    """Rows of the three parts, the same for ever: dealt out so that every part has each class in its proportion."""
    generator = np.random.default_rng(SPLIT_SEED)
    share = np.empty(len(labels))
    for digit in range(10):
        rows = generator.permutation(np.flatnonzero(labels.numpy() == digit))
        share[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    dealt = np.argsort(share, kind="stable")
    return [torch.from_numpy(np.sort(rows)) for rows in np.split(dealt, np.cumsum(SIZES)[:-1])]
