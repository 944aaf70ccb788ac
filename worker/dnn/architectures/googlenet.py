"""GoogLeNet (Szegedy et al.: "Going Deeper with Convolutions", 2014, arXiv 1409.4842) as it is built today: batch-norm behind
every convolution, no auxiliary heads, and 3x3 convolutions where the paper has 5x5 (torchvision's, whose names its layers
have; 6,624,904 parameters at 1,000 classes).

torchvision's published weights were trained on pixels from -1 to 1 (mean and std 0.5), not on ImageNet's mean and std.
Small images pass a 3x3 convolution of stride 1 instead of the 7x7 one of stride 2 and its max-pool, so that 32x32 pixels
reach the last stage as 4x4 (5,602,474 parameters at 10 classes).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan

SMALLEST = 8
EPS = 1e-3
DROPPED = 0.2
# Channels of the branches: 1x1; 1x1 then 3x3; 1x1 then 3x3; 1x1 behind a max-pool: the paper's table 1.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64), "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}
# Heads that only training used; torchvision leaves them out as well.
UNUSED = r"aux[12]\."


class Convolution(nn.Module):
    """Convolution, batch-norm, rectifier."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
        self.bn, self.relu = nn.BatchNorm2d(after, eps=EPS), nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(images)))  # type: ignore[no-any-return]


class Inception(nn.Module):
    """Four branches side by side."""

    def __init__(self, before: int, one: int, few: int, three: int, fewer: int, five: int, pooled: int) -> None:
        super().__init__()
        self.branch1 = Convolution(before, one, 1)
        self.branch2 = nn.Sequential(Convolution(before, few, 1), Convolution(few, three, 3))
        self.branch3 = nn.Sequential(Convolution(before, fewer, 1), Convolution(fewer, five, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), Convolution(before, pooled, 1))

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([self.branch1(images), self.branch2(images), self.branch3(images), self.branch4(images)], 1)


class GoogLeNet(nn.Module):
    """Three convolutions, nine inceptions, a global average pool, one linear layer."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        stem, count = plan.channels(64), plan.channels(192)
        self.conv1 = Convolution(plan.in_shape[0], stem, *((7, 2) if plan.large else (3, 1)))
        self.maxpool1 = _pool(3) if plan.large else nn.Identity()
        self.conv2, self.conv3, self.maxpool2 = Convolution(stem, stem, 1), Convolution(stem, count, 3), _pool(3)
        for name, branches in INCEPTIONS.items():
            one, few, three, fewer, five, pooled = map(plan.channels, branches)
            self.add_module(f"inception{name}", Inception(count, one, few, three, fewer, five, pooled))
            count = one + three + five + pooled
        self.maxpool3, self.maxpool4 = _pool(3), _pool(2)
        self.avgpool, self.flatten, self.dropout = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(DROPPED)
        self.fc = nn.Linear(count, plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        images = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(images)))))
        for name in INCEPTIONS:
            images = self.get_submodule(f"inception{name}")(images)
            if name in ("3b", "4e"):
                images = (self.maxpool3 if name == "3b" else self.maxpool4)(images)
        return self.fc(self.dropout(self.flatten(self.avgpool(images))))  # type: ignore[no-any-return]


def _pool(size: int) -> nn.MaxPool2d:
    return nn.MaxPool2d(size, 2, ceil_mode=True)


ARCHITECTURES = {"googlenet": GoogLeNet}
