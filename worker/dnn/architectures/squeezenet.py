"""SqueezeNet (Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer: "SqueezeNet: AlexNet-level accuracy with 50x fewer
parameters and <0.5MB model size", 2016, arXiv 1602.07360).

squeezenet is the authors' version 1.1, layers named as in torchvision (1,235,496 parameters at 1,000 classes): no batch-norm,
no linear layer, a convolution of one channel a class before the last pool. Small images are padded in the first convolution,
which has no stride then; the weights have the same shapes (727,626 parameters at 10 classes). Without batch-norm it wants small
steps: narrow, on small digits, it learns at a learning rate of 0.01 and not at 0.05.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan

SMALLEST = 8
STEM = 64
# Channels of each fire's squeeze and of each of its two expanding convolutions; "pool" is a max-pool.
FIRES: tuple[tuple[int, int] | str, ...] = (
    "pool", (16, 64), (16, 64), "pool", (32, 128), (32, 128), "pool", (48, 192), (48, 192), (64, 256), (64, 256),
)


class Fire(nn.Module):
    """Few channels in between, then 1x1 and 3x3 convolutions side by side."""

    def __init__(self, before: int, narrow: int, half: int) -> None:
        super().__init__()
        self.squeeze, self.squeeze_activation = nn.Conv2d(before, narrow, 1), nn.ReLU()
        self.expand1x1, self.expand1x1_activation = nn.Conv2d(narrow, half, 1), nn.ReLU()
        self.expand3x3, self.expand3x3_activation = nn.Conv2d(narrow, half, 3, padding=1), nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        images = self.squeeze_activation(self.squeeze(images))
        one, three = self.expand1x1(images), self.expand3x3(images)
        return torch.cat([self.expand1x1_activation(one), self.expand3x3_activation(three)], 1)


class SqueezeNet(nn.Module):
    """One convolution, eight fires between three pools, a convolution for the classes."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        stem, last = plan.channels(STEM), 2 * plan.channels(FIRES[-1][1])  # type: ignore[arg-type]
        first = nn.Conv2d(plan.in_shape[0], stem, 3, *((2, 0) if plan.large else (1, 1)))
        self.features = nn.Sequential(first, nn.ReLU(), *_fires(plan, stem))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Conv2d(last, plan.num_classes, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.flatten = nn.Flatten()

    def forward(self, images: Tensor) -> Tensor:
        return self.flatten(self.classifier(self.features(images)))  # type: ignore[no-any-return]


def _fires(plan: Plan, before: int) -> Iterator[nn.Module]:
    for fire in FIRES:
        if isinstance(fire, str):
            yield nn.MaxPool2d(3, 2, ceil_mode=True)
        else:
            narrow, half = map(plan.channels, fire)
            yield Fire(before, narrow, half)
            before = 2 * half


ARCHITECTURES = {"squeezenet": SqueezeNet}
