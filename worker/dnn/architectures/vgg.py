"""VGG for small images (Simonyan and Zisserman 2014, arXiv 1409.1556), with batch-norm and one linear layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan

DEPTHS = {
    "vgg11": ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    "vgg16": ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
}


class VGG(nn.Module):
    """Five stages of 3x3 convolutions, max-pools between them, a global average pool behind them."""

    def __init__(self, plan: Plan, stages: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        plan.needs(2 ** (len(stages) - 1))
        self.features = nn.Sequential(*_layers(plan, stages))
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.fc = nn.Linear(plan.channels(stages[-1][-1]), plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.flatten(self.pool(self.features(images))))  # type: ignore[no-any-return]


def _layers(plan: Plan, stages: tuple[tuple[int, ...], ...]) -> Iterator[nn.Module]:
    before = plan.in_shape[0]
    for number, stage in enumerate(stages):
        if number:
            yield nn.MaxPool2d(2)
        for width in map(plan.channels, stage):
            yield from (nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
            before = width


ARCHITECTURES = {name: partial(VGG, stages=stages) for name, stages in DEPTHS.items()}
