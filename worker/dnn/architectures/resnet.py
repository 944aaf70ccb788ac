"""ResNet for small images (He et al. 2015, arXiv 1512.03385, section 4.2), shortcuts by 1x1 convolutions."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan

SMALLEST = 8


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1, self.relu1 = nn.BatchNorm2d(width), nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm2d(width), nn.ReLU()
        self.shortcut = nn.Sequential()
        if stride != 1 or before != width:
            self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, images: Tensor) -> Tensor:
        inner = self.relu1(self.bn1(self.conv1(images)))
        return self.relu2(self.bn2(self.conv2(inner)) + self.shortcut(images))  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """Three stages of `blocks` blocks each, 16, 32 and 64 channels wide."""

    def __init__(self, plan: Plan, blocks: int) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        widths = tuple(map(plan.channels, (16, 32, 64)))
        self.conv1 = nn.Conv2d(plan.in_shape[0], widths[0], 3, 1, 1, bias=False)
        self.bn1, self.relu1 = nn.BatchNorm2d(widths[0]), nn.ReLU()
        befores = (widths[0], *widths[:-1])
        self.stages = nn.Sequential(*map(partial(_stage, blocks), befores, widths, (1, 2, 2)))
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.fc = nn.Linear(widths[-1], plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        images = self.stages(self.relu1(self.bn1(self.conv1(images))))
        return self.fc(self.flatten(self.pool(images)))  # type: ignore[no-any-return]


def _stage(blocks: int, before: int, width: int, stride: int) -> nn.Sequential:
    first = Block(before, width, stride)
    return nn.Sequential(first, *(Block(width, width, 1) for _ in range(blocks - 1)))


ARCHITECTURES = {"resnet20": partial(ResNet, blocks=3)}
