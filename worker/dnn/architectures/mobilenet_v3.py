"""MobileNetV3 (Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam: "Searching for MobileNetV3",
2019, arXiv 1905.02244), layers named as in torchvision (mobilenet_v3_small 2,542,856 and mobilenet_v3_large 5,483,032
parameters at 1,000 classes; batch-norm with its eps of 0.001, for large images with its momentum of 0.01 too).

Small images lack the strides of the first convolution and of the first block that has one, so that 32x32 pixels reach the
last stage as 4x4; the weights have the same shapes (1,528,106 and 4,214,842 parameters at 10 classes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from worker.dnn.architectures.inverted import Inside, Inverted, Manner, convolution
from worker.dnn.architectures.plan import Plan

SMALLEST = 8
STEM, DROPPED = 16, 0.2


class Row(NamedTuple):
    """A block of the paper's tables 1 and 2."""

    kernel: int
    hidden: int
    after: int
    gated: bool
    hard: bool
    stride: int


class Table(NamedTuple):
    """All blocks, and the width of the linear layer behind them."""

    rows: tuple[Row, ...]
    last: int


LARGE = Table((
    Row(3, 16, 16, False, False, 1), Row(3, 64, 24, False, False, 2), Row(3, 72, 24, False, False, 1),
    Row(5, 72, 40, True, False, 2), Row(5, 120, 40, True, False, 1), Row(5, 120, 40, True, False, 1),
    Row(3, 240, 80, False, True, 2), Row(3, 200, 80, False, True, 1), Row(3, 184, 80, False, True, 1),
    Row(3, 184, 80, False, True, 1), Row(3, 480, 112, True, True, 1), Row(3, 672, 112, True, True, 1),
    Row(5, 672, 160, True, True, 2), Row(5, 960, 160, True, True, 1), Row(5, 960, 160, True, True, 1),
), 1280)
SMALL = Table((
    Row(3, 16, 16, True, False, 2), Row(3, 72, 24, False, False, 2), Row(3, 88, 24, False, False, 1),
    Row(5, 96, 40, True, True, 2), Row(5, 240, 40, True, True, 1), Row(5, 240, 40, True, True, 1),
    Row(5, 120, 48, True, True, 1), Row(5, 144, 48, True, True, 1),
    Row(5, 288, 96, True, True, 2), Row(5, 576, 96, True, True, 1), Row(5, 576, 96, True, True, 1),
), 1024)


class MobileNetV3(nn.Module):
    """A table's blocks between two convolutions, and two linear layers."""

    def __init__(self, plan: Plan, table: Table) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        stem, after = plan.channels(STEM), plan.channels(table.rows[-1].after)
        wide, last = 6 * after, plan.channels(table.last)
        soft, hard = _manners(plan)
        self.features = nn.Sequential(
            convolution(plan.in_shape[0], stem, 3, hard, 2 if plan.large else 1), *_blocks(plan, table.rows, soft, hard),
            convolution(after, wide, 1, hard),
        )
        self.avgpool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(wide, last), nn.Hardswish(), nn.Dropout(DROPPED), nn.Linear(last, plan.num_classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.flatten(self.avgpool(self.features(images))))  # type: ignore[no-any-return]


def _manners(plan: Plan) -> tuple[Manner, Manner]:
    """Blocks with rectifiers, and those with hard swishes. A momentum of 0.01 wants thousands of steps to see the data."""
    norm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01 if plan.large else 0.1)
    soft = Manner(nn.ReLU, nn.ReLU, nn.Hardsigmoid, norm)
    return soft, replace(soft, activation=nn.Hardswish)


def _blocks(plan: Plan, rows: tuple[Row, ...], soft: Manner, hard: Manner) -> Iterator[nn.Module]:
    before, first = STEM, next(row for row in rows if row.stride > 1)
    for row in rows:
        squeezed = plan.channels(_eighths(row.hidden // 4)) if row.gated else 0
        stride = 1 if row is first and not plan.large else row.stride
        inside = Inside(plan.channels(before), plan.channels(row.hidden), plan.channels(row.after), row.kernel, stride,
                        squeezed, expands=row.hidden != before)
        yield Inverted(inside, hard if row.hard else soft)
        before = row.after


def _eighths(count: int) -> int:
    """The nearest multiple of 8, none below 8 and none more than a tenth smaller."""
    near = max(8, (count + 4) // 8 * 8)
    return near + 8 if near < 0.9 * count else near


ARCHITECTURES = {
    "mobilenet_v3_large": partial(MobileNetV3, table=LARGE),
    "mobilenet_v3_small": partial(MobileNetV3, table=SMALL),
}
