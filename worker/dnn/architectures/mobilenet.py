"""MobileNetV2 (Sandler, Howard, Zhu, Zhmoginov, Chen: "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018, arXiv
1801.04381), layers named as in torchvision (3,504,872 parameters at 1,000 classes).

Small images lack the strides of the first convolution and of the second stage, so that 32x32 pixels reach the last stage as
4x4; the weights have the same shapes (2,236,682 parameters at 10 classes).
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan

SMALLEST = 8
STEM, LAST, DROPPED = 32, 1280, 0.2
# Expansion, channels, blocks, stride of the first block: the paper's table 2.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class Block(nn.Module):
    """Wide inside, narrow outside: expand by 1x1, filter depthwise, project by 1x1 without an activation."""

    def __init__(self, before: int, after: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = before * expansion
        expand = [_conv(before, hidden, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *expand, _conv(hidden, hidden, 3, stride, groups=hidden), nn.Conv2d(hidden, after, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.residual = stride == 1 and before == after

    def forward(self, images: Tensor) -> Tensor:
        return images + self.conv(images) if self.residual else self.conv(images)  # type: ignore[no-any-return]


class MobileNetV2(nn.Module):
    """Seven stages of inverted residuals between two convolutions."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        stem, last = plan.channels(STEM), plan.channels(LAST)
        self.features = nn.Sequential(
            _conv(plan.in_shape[0], stem, 3, 2 if plan.large else 1), *_blocks(plan, stem),
            _conv(plan.channels(STAGES[-1][1]), last, 1),
        )
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.classifier = nn.Sequential(nn.Dropout(DROPPED), nn.Linear(last, plan.num_classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.flatten(self.pool(self.features(images))))  # type: ignore[no-any-return]


def _conv(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(after), nn.ReLU6())


def _blocks(plan: Plan, before: int) -> Iterator[nn.Module]:
    for number, (expansion, width, blocks, stride) in enumerate(STAGES):
        first = 1 if number == 1 and not plan.large else stride
        for block in range(blocks):
            after = plan.channels(width)
            yield Block(before, after, first if block == 0 else 1, expansion)
            before = after


ARCHITECTURES = {"mobilenet_v2": MobileNetV2}
