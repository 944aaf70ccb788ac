"""DenseNet (Huang, Liu, van der Maaten, Weinberger: "Densely Connected Convolutional Networks", 2016, arXiv 1608.06993).

densenet121 is that of the paper's table 1, layers named as in torchvision (7,978,856 parameters at 224x224 and 1,000
classes): every layer reads all results before it in its block. Small images pass a 3x3 convolution instead of the 7x7 one
of stride 2 and the max-pool behind it, so that 32x32 pixels reach the last block as 4x4 (6,956,426 at 10 classes).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan

SMALLEST = 8
STEM, GROWTH, NARROW = 64, 32, 4
BLOCKS = (6, 12, 24, 16)
# Files of torchvision's from before 2018 call a layer's two halves norm.1 and conv.1, not norm1 and conv1.
RENAMED = ((r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2"),)


class Layer(nn.Module):
    """Batch-norm and rectifier before each convolution: 1x1 to four times the growth, then 3x3."""

    def __init__(self, before: int, growth: int) -> None:
        super().__init__()
        narrow = NARROW * growth
        self.norm1, self.relu1, self.conv1 = nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, narrow, 1, bias=False)
        self.norm2, self.relu2 = nn.BatchNorm2d(narrow), nn.ReLU()
        self.conv2 = nn.Conv2d(narrow, growth, 3, padding=1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.conv1(self.relu1(self.norm1(images)))
        return self.conv2(self.relu2(self.norm2(inner)))  # type: ignore[no-any-return]


class Block(nn.ModuleDict):
    """Each layer reads what came in and what all layers before it have found."""

    def __init__(self, before: int, growth: int, layers: int) -> None:
        super().__init__({f"denselayer{number + 1}": Layer(before + number * growth, growth) for number in range(layers)})

    def forward(self, images: Tensor) -> Tensor:
        for layer in self.values():
            images = torch.cat([images, layer(images)], 1)
        return images


class Transition(nn.Module):
    """Half the channels, a quarter of the pixels."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.norm, self.relu, self.conv = nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, after, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, images: Tensor) -> Tensor:
        return self.pool(self.conv(self.relu(self.norm(images))))  # type: ignore[no-any-return]


class DenseNet(nn.Module):
    """Four dense blocks, transitions between them."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        self.features, count = nn.Sequential(), plan.channels(STEM)
        for name, layer in _stem(plan, count):
            self.features.add_module(name, layer)
        for number, layers in enumerate(BLOCKS, 1):
            if number > 1:
                self.features.add_module(f"transition{number - 1}", Transition(count, count // 2))
                count //= 2
            self.features.add_module(f"denseblock{number}", Block(count, plan.channels(GROWTH), layers))
            count += layers * plan.channels(GROWTH)
        self.features.add_module("norm5", nn.BatchNorm2d(count))
        self.relu, self.pool, self.flatten = nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.classifier = nn.Linear(count, plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.flatten(self.pool(self.relu(self.features(images)))))  # type: ignore[no-any-return]


def _stem(plan: Plan, count: int) -> Iterator[tuple[str, nn.Module]]:
    yield "conv0", nn.Conv2d(plan.in_shape[0], count, *((7, 2, 3) if plan.large else (3, 1, 1)), bias=False)
    yield "norm0", nn.BatchNorm2d(count)
    yield "relu0", nn.ReLU()
    if plan.large:
        yield "pool0", nn.MaxPool2d(3, 2, 1)


ARCHITECTURES = {"densenet121": DenseNet}
