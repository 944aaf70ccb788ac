"""ResNet (He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition", 2015, arXiv 1512.03385).

resnet20 and resnet56 are those of the paper's section 4.2, made for CIFAR and built alike for every size, with shortcuts
by 1x1 convolutions (272,474 and 855,770 parameters at 10 classes). resnet18 and resnet50 are those of its table 1: large
images pass a 7x7 convolution of stride 2 and a max-pool first, and layers are named as in torchvision (11,689,512 and
25,557,032 parameters at 1,000 classes; resnet50 strides in its 3x3 convolutions, as torchvision's does); small images a
3x3 convolution instead of both (11,173,962 and 23,520,842 at 10 classes).
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan

SMALLEST = 8
EXPANSION = 4
# As many repositories for small images call them.
RENAMED = ((r"\.shortcut\.", ".downsample."), (r"^linear\.", "fc."))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1, self.relu1 = nn.BatchNorm2d(width), nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm2d(width), nn.ReLU()
        self.downsample = _shortcut(before, width, stride)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.relu1(self.bn1(self.conv1(images)))
        return self.relu2(self.bn2(self.conv2(inner)) + self.downsample(images))  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, beside a shortcut; one in groups is twice as wide, as in ResNeXt."""

    def __init__(self, before: int, width: int, stride: int, groups: int = 1) -> None:
        super().__init__()
        after, inner = EXPANSION * width, width if groups == 1 else groups * max(1, round(2 * width / groups))
        self.conv1, self.bn1, self.relu1 = nn.Conv2d(before, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU()
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, groups=groups, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm2d(inner), nn.ReLU()
        self.conv3, self.bn3, self.relu3 = nn.Conv2d(inner, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
        self.downsample = _shortcut(before, after, stride)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(images))))))
        return self.relu3(self.bn3(self.conv3(inner)) + self.downsample(images))  # type: ignore[no-any-return]


class Narrow(nn.Module):
    """Three stages of `blocks` blocks each, 16, 32 and 64 channels wide."""

    def __init__(self, plan: Plan, blocks: int) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        widths = tuple(map(plan.channels, (16, 32, 64)))
        self.conv1 = nn.Conv2d(plan.in_shape[0], widths[0], 3, 1, 1, bias=False)
        self.bn1, self.relu1 = nn.BatchNorm2d(widths[0]), nn.ReLU()
        befores = (widths[0], *widths[:-1])
        self.stages = nn.Sequential(*map(partial(_stage, Block, blocks), befores, widths, (1, 2, 2)))
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.fc = nn.Linear(widths[-1], plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        images = self.stages(self.relu1(self.bn1(self.conv1(images))))
        return self.fc(self.flatten(self.pool(images)))  # type: ignore[no-any-return]


class Wide(nn.Module):
    """Four stages of `blocks` blocks, 64 to 512 channels wide; a bottleneck's result is four times as wide."""

    def __init__(
        self, plan: Plan, block: type[Block | Bottleneck], blocks: tuple[int, int, int, int], groups: int = 1
    ) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        widths = tuple(map(plan.channels, (64, 128, 256, 512)))
        times = EXPANSION if block is Bottleneck else 1
        self.conv1 = nn.Conv2d(plan.in_shape[0], widths[0], *((7, 2, 3) if plan.large else (3, 1, 1)), bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(widths[0]), nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if plan.large else nn.Identity()
        befores = (widths[0], *(times * width for width in widths[:-1]))
        stage = partial(_stage, block, groups=groups)
        self.layer1, self.layer2, self.layer3, self.layer4 = map(stage, blocks, befores, widths, (1, 2, 2, 2))
        self.avgpool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.fc = nn.Linear(times * widths[-1], plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        images = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        images = self.layer4(self.layer3(self.layer2(self.layer1(images))))
        return self.fc(self.flatten(self.avgpool(images)))  # type: ignore[no-any-return]


def _shortcut(before: int, after: int, stride: int) -> nn.Sequential:
    if stride == 1 and before == after:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))


def _stage(
    block: type[Block | Bottleneck], blocks: int, before: int, width: int, stride: int, groups: int = 1
) -> nn.Sequential:
    after = EXPANSION * width if block is Bottleneck else width
    make = partial(Bottleneck, groups=groups) if groups > 1 else block
    return nn.Sequential(make(before, width, stride), *(make(after, width, 1) for _ in range(blocks - 1)))


ARCHITECTURES = {
    "resnet18": partial(Wide, block=Block, blocks=(2, 2, 2, 2)),
    "resnet20": partial(Narrow, blocks=3),
    "resnet50": partial(Wide, block=Bottleneck, blocks=(3, 4, 6, 3)),
    "resnet56": partial(Narrow, blocks=9),
}
