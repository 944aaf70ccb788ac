"""A small backbone and neck of a YOLO-like detector, made a classifier by a global pool over its coarsest map, so that it trains
on the house's data: 1,697,178 parameters at 10 classes.

After the networks of Ultralytics (YOLOv5 2020, YOLOv8 2023, which no paper describes): cross-stage partial blocks that split
and join channels (Wang et al.: "CSPNet", 2019, arXiv 1911.11929), SiLU, spatial pyramid pooling by three max-pools in a row
(He et al., 2014, arXiv 1406.4729), and a path-aggregation neck (Liu et al.: "PANet", 2018, arXiv 1803.01534) with nearest
upsampling. No published weights fit it. Small images lack the first convolution's stride.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan
from worker.dnn.layers import Slice

SMALLEST = 8
EPS = 1e-3
STEM, HALVES, DEPTHS = 16, (16, 32, 64, 96), (1, 2, 2, 1)
POOL = 5


class Convolution(nn.Module):
    """Convolution, batch-norm, SiLU."""

    def __init__(self, before: int, after: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
        self.bn, self.act = nn.BatchNorm2d(after, EPS), nn.SiLU()

    def forward(self, images: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(images)))  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """Two 3x3 convolutions, beside a shortcut or not."""

    def __init__(self, count: int, *, shortcut: bool) -> None:
        super().__init__()
        self.cv1, self.cv2, self.shortcut = Convolution(count, count, 3), Convolution(count, count, 3), shortcut

    def forward(self, images: Tensor) -> Tensor:
        inner = self.cv2(self.cv1(images))
        return images + inner if self.shortcut else inner  # type: ignore[no-any-return]


class Partial(nn.Module):
    """One half of the channels passes by, the other through bottlenecks; all that was found is joined."""

    def __init__(self, before: int, half: int, depth: int = 1, *, shortcut: bool = False) -> None:
        super().__init__()
        self.cv1, self.cv2 = Convolution(before, 2 * half), Convolution((2 + depth) * half, 2 * half)
        self.first, self.second = Slice(1, 0, half), Slice(1, half, None)
        self.m = nn.ModuleList(Bottleneck(half, shortcut=shortcut) for _ in range(depth))

    def forward(self, images: Tensor) -> Tensor:
        images = self.cv1(images)
        found = [self.first(images), self.second(images)]
        for layer in self.m:
            found.append(layer(found[-1]))
        return self.cv2(torch.cat(found, 1))  # type: ignore[no-any-return]


class Pyramid(nn.Module):
    """What three max-pools in a row see, beside what is there."""

    def __init__(self, count: int) -> None:
        super().__init__()
        half = max(1, count // 2)
        self.cv1, self.cv2 = Convolution(count, half), Convolution(4 * half, count)
        self.pools = nn.ModuleList(nn.MaxPool2d(POOL, 1, POOL // 2) for _ in range(3))

    def forward(self, images: Tensor) -> Tensor:
        found = [self.cv1(images)]
        for pool in self.pools:
            found.append(pool(found[-1]))
        return self.cv2(torch.cat(found, 1))  # type: ignore[no-any-return]


class Backbone(nn.Module):
    """Four stages, each of half the pixels; the last three are the neck's."""

    def __init__(self, plan: Plan, halves: list[int]) -> None:
        super().__init__()
        before = plan.channels(STEM)
        self.stem = Convolution(plan.in_shape[0], before, 3, 2 if plan.large else 1)
        self.down, self.stages = nn.ModuleList(), nn.ModuleList()
        for half, depth in zip(halves, DEPTHS, strict=True):
            self.down.append(Convolution(before, 2 * half, 3, 2))
            self.stages.append(Partial(2 * half, half, depth, shortcut=True))
            before = 2 * half
        self.pyramid = Pyramid(before)

    def forward(self, images: Tensor) -> list[Tensor]:
        images, maps = self.stem(images), []
        for down, stage in zip(self.down, self.stages, strict=True):
            maps.append(images := stage(down(images)))
        return [*maps[1:-1], self.pyramid(maps[-1])]


class Neck(nn.Module):
    """Coarse maps are spread over finer ones, then fine ones gathered into coarser ones."""

    def __init__(self, halves: list[int], sides: list[tuple[int, int]]) -> None:
        super().__init__()
        fine, middle, coarse = halves
        self.up1, self.up2 = _spread(sides[2], sides[1]), _spread(sides[1], sides[0])
        self.middle, self.fine = Partial(2 * (coarse + middle), middle), Partial(2 * (middle + fine), fine)
        self.down1, self.down2 = Convolution(2 * fine, 2 * fine, 3, 2), Convolution(2 * middle, 2 * middle, 3, 2)
        self.gathered, self.coarse = Partial(2 * (fine + middle), middle), Partial(2 * (middle + coarse), coarse)

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> Tensor:
        middle = self.middle(torch.cat([self.up1(coarse), middle], 1))
        fine = self.fine(torch.cat([self.up2(middle), fine], 1))
        middle = self.gathered(torch.cat([self.down1(fine), middle], 1))
        return self.coarse(torch.cat([self.down2(middle), coarse], 1))  # type: ignore[no-any-return]


class YoloTinyBackbone(nn.Module):
    """Backbone, neck, a global average pool, one linear layer."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        halves = list(map(plan.channels, HALVES))
        self.backbone, self.neck = Backbone(plan, halves), Neck(halves[1:], _sides(plan))
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.fc = nn.Linear(2 * halves[-1], plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.flatten(self.pool(self.neck(*self.backbone(images)))))  # type: ignore[no-any-return]


def _sides(plan: Plan) -> list[tuple[int, int]]:
    """The sides of the neck's three maps: every convolution of stride 2 halves, upwards."""
    first = 2 if plan.large else 1
    height, width = plan.in_shape[1:]
    return [(-(-height // (first * 2**stage)), -(-width // (first * 2**stage))) for stage in (2, 3, 4)]


def _spread(coarse: tuple[int, int], fine: tuple[int, int]) -> nn.Upsample:
    """Twice the pixels; one row or column fewer where the finer map's are odd."""
    doubled = fine == (2 * coarse[0], 2 * coarse[1])
    return nn.Upsample(scale_factor=2.0) if doubled else nn.Upsample(size=fine)


ARCHITECTURES = {"yolo_tiny_backbone": YoloTinyBackbone}
