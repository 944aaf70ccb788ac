"""ShuffleNetV2 (Ma, Zhang, Zheng, Sun: "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", 2018,
arXiv 1807.11164), the paper's 1x, layers named as in torchvision (2,278,604 parameters at 1,000 classes).

Each block works on one half of the channels and deals both halves anew behind it. Small images lack the stride of the first
convolution and the max-pool, so that 32x32 pixels reach the last stage as 4x4; the weights have the same shapes (1,263,854
parameters at 10 classes).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan
from worker.dnn.layers import Slice

SMALLEST = 8
STEM, LAST = 24, 1024
# Half the channels of a stage, and its blocks.
STAGES = {"stage2": (58, 4), "stage3": (116, 8), "stage4": (232, 4)}


class Smaller(nn.Module):
    """Half the pixels: both branches read everything."""

    def __init__(self, before: int, half: int) -> None:
        super().__init__()
        self.branch1 = nn.Sequential(*_depthwise(before, 2), *_pointwise(before, half))
        self.branch2 = nn.Sequential(*_pointwise(before, half), *_depthwise(half, 2), *_pointwise(half, half))
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, images: Tensor) -> Tensor:
        return self.shuffle(torch.cat([self.branch1(images), self.branch2(images)], 1))  # type: ignore[no-any-return]


class Block(nn.Module):
    """The first half of the channels passes by, the second is worked on."""

    def __init__(self, half: int) -> None:
        super().__init__()
        self.first, self.second = Slice(1, 0, half), Slice(1, half, None)
        self.branch2 = nn.Sequential(*_pointwise(half, half), *_depthwise(half, 1), *_pointwise(half, half))
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, images: Tensor) -> Tensor:
        worked = self.branch2(self.second(images))
        return self.shuffle(torch.cat([self.first(images), worked], 1))  # type: ignore[no-any-return]


class ShuffleNetV2(nn.Module):
    """Three stages between two convolutions."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        count, last = plan.channels(STEM), plan.channels(LAST)
        first = nn.Conv2d(plan.in_shape[0], count, 3, 2 if plan.large else 1, 1, bias=False)
        self.conv1 = nn.Sequential(first, nn.BatchNorm2d(count), nn.ReLU())
        self.maxpool = nn.MaxPool2d(3, 2, 1) if plan.large else nn.Identity()
        for name, (half, blocks) in STAGES.items():
            half = plan.channels(half)
            self.add_module(name, nn.Sequential(Smaller(count, half), *(Block(half) for _ in range(blocks - 1))))
            count = 2 * half
        self.conv5 = nn.Sequential(*_pointwise(count, last))
        self.pool, self.flatten, self.fc = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        images = self.maxpool(self.conv1(images))
        for name in STAGES:
            images = self.get_submodule(name)(images)
        return self.fc(self.flatten(self.pool(self.conv5(images))))  # type: ignore[no-any-return]


def _pointwise(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()


def _depthwise(count: int, stride: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(count, count, 3, stride, 1, groups=count, bias=False), nn.BatchNorm2d(count)


ARCHITECTURES = {"shufflenet_v2": ShuffleNetV2}
