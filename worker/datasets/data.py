"""What a data set is, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

PartName = Literal["train", "validation", "test"]
PARTS: tuple[PartName, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Part:
    """`images` is uint8 (n, channels, height, width); `labels` is int64 (n,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Data:
    """`in_shape` is (channels, height, width); `mean` and `std` are per channel, of train pixels scaled to 0..1."""

    name: str
    in_shape: tuple[int, ...]
    classes: int
    labels: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channel_order: str
    parts: dict[PartName, Part]


def normalise(images: Tensor, data: Data) -> Tensor:
    """uint8 images (n, channels, height, width) as float32 with the data set's mean 0 and standard deviation 1."""
    mean, std = (torch.tensor(numbers).view(-1, 1, 1) for numbers in (data.mean, data.std))
    return images.to(torch.float32).div_(255.0).sub_(mean).div_(std)


def channel_statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel of uint8 images, pixels scaled to 0..1; a constant channel gets std 1."""
    pixels = images.to(torch.float64).div_(255.0)
    mean, std = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3), correction=0)
    return tuple(mean.tolist()), tuple(value or 1.0 for value in std.tolist())
