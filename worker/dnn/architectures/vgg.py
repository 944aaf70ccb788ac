"""VGG with batch-norm (Simonyan and Zisserman: "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014,
arXiv 1409.1556).

Large images meet the paper's three linear layers (vgg11, vgg16, vgg19 at 224x224 and 1,000 classes: 132,868,840,
138,365,992 and 143,678,248 parameters, layers named as in torchvision's vgg*_bn). Small ones, as is usual for CIFAR, a
global average pool and one linear layer (9,231,114, 14,728,266 and 20,040,522 at 10 classes).

vgg5 is the one that federated learning on small boards is measured with (Wu et al.: "FedAdapt", 2022, arXiv 2107.04271): three
convolutions, two linear layers without anything between; 582,346 parameters at 3x32x32 and 10 classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan, head_side

DEPTHS = {
    "vgg11": ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    "vgg16": ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
    "vgg19": ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4),
}
HEAD = 4096


class Small(nn.Module):
    """Five stages of 3x3 convolutions, max-pools between them, a global average pool behind them."""

    def __init__(self, plan: Plan, stages: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        plan.needs(2 ** (len(stages) - 1))
        self.features = nn.Sequential(*_layers(plan, stages))
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.fc = nn.Linear(plan.channels(stages[-1][-1]), plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.flatten(self.pool(self.features(images))))  # type: ignore[no-any-return]


class Large(nn.Module):
    """The same stages, a max-pool behind the last one too, and three linear layers."""

    def __init__(self, plan: Plan, stages: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        self.features = nn.Sequential(*_layers(plan, stages), nn.MaxPool2d(2))
        sides = [head_side(side // 2 ** len(stages), most=7) for side in plan.in_shape[1:]]
        self.avgpool, self.flatten = nn.AdaptiveAvgPool2d((sides[0], sides[1])), nn.Flatten()
        places, inner = plan.channels(stages[-1][-1]) * sides[0] * sides[1], plan.channels(HEAD)
        self.classifier = nn.Sequential(
            nn.Linear(places, inner), nn.ReLU(), nn.Dropout(),
            nn.Linear(inner, inner), nn.ReLU(), nn.Dropout(),
            nn.Linear(inner, plan.num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.flatten(self.avgpool(self.features(images))))  # type: ignore[no-any-return]


class Five(nn.Module):
    """Three convolutions, a max-pool behind each of the first two, and two linear layers."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(4)
        self.features = nn.Sequential(*_layers(plan, ((32,), (64,), (64,))))
        self.flatten = nn.Flatten()
        places, inner = plan.channels(64) * (plan.in_shape[1] // 4) * (plan.in_shape[2] // 4), plan.channels(128)
        self.fc1, self.fc2 = nn.Linear(places, inner), nn.Linear(inner, plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc2(self.fc1(self.flatten(self.features(images))))  # type: ignore[no-any-return]


def _layers(plan: Plan, stages: tuple[tuple[int, ...], ...]) -> Iterator[nn.Module]:
    before = plan.in_shape[0]
    for number, stage in enumerate(stages):
        if number:
            yield nn.MaxPool2d(2)
        for width in map(plan.channels, stage):
            yield from (nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
            before = width


def _vgg(plan: Plan, stages: tuple[tuple[int, ...], ...]) -> nn.Module:
    return Large(plan, stages) if plan.large else Small(plan, stages)


ARCHITECTURES = {"vgg5": Five} | {name: partial(_vgg, stages=stages) for name, stages in DEPTHS.items()}
