"""AlexNet in one tower (Krizhevsky: "One weird trick for parallelizing convolutional neural networks", 2014, arXiv
1404.5997, after Krizhevsky, Sutskever, Hinton 2012).

Large images meet three linear layers (61,100,840 parameters at 224x224 and 1,000 classes, layers named as in torchvision);
small ones, as is usual for CIFAR, a wider first padding, smaller pools and one linear layer (2,472,266 at 10 classes).
"""

from __future__ import annotations

from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan, head_side
from worker.dnn.shapes import Shape

SMALLEST = 29
WIDTHS = (64, 192, 384, 256, 256)
HEAD = 4096


class Small(nn.Module):
    """Max-pools of two pixels, a global average pool, one linear layer."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        self.features = _features(plan, padding=5, pool=2)
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.fc = nn.Linear(plan.channels(WIDTHS[-1]), plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.flatten(self.pool(self.features(images))))  # type: ignore[no-any-return]


class Large(nn.Module):
    """Overlapping max-pools of three pixels, three linear layers."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.features = _features(plan, padding=2, pool=3)
        height, width = _left(plan.in_shape)
        self.avgpool, self.flatten = nn.AdaptiveAvgPool2d((height, width)), nn.Flatten()
        inner = plan.channels(HEAD)
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(plan.channels(WIDTHS[-1]) * height * width, inner), nn.ReLU(),
            nn.Dropout(), nn.Linear(inner, inner), nn.ReLU(),
            nn.Linear(inner, plan.num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.flatten(self.avgpool(self.features(images))))  # type: ignore[no-any-return]


def _features(plan: Plan, *, padding: int, pool: int) -> nn.Sequential:
    one, two, three, four, five = map(plan.channels, WIDTHS)
    return nn.Sequential(
        nn.Conv2d(plan.in_shape[0], one, 11, 4, padding), nn.ReLU(), nn.MaxPool2d(pool, 2),
        nn.Conv2d(one, two, 5, padding=2), nn.ReLU(), nn.MaxPool2d(pool, 2),
        nn.Conv2d(two, three, 3, padding=1), nn.ReLU(), nn.Conv2d(three, four, 3, padding=1), nn.ReLU(),
        nn.Conv2d(four, five, 3, padding=1), nn.ReLU(), nn.MaxPool2d(pool, 2),
    )


def _left(in_shape: Shape) -> tuple[int, int]:
    """The sides of the image before the linear layers: 6 at 224x224."""
    height, width = in_shape[1:]
    return _side(height), _side(width)


def _side(pixels: int) -> int:
    pixels = (pixels + 2 * 2 - 11) // 4 + 1
    for _ in range(3):
        pixels = (pixels - 3) // 2 + 1
    return head_side(pixels, most=6)


def _alexnet(plan: Plan) -> nn.Module:
    return Large(plan) if plan.large else Small(plan)


ARCHITECTURES = {"alexnet": _alexnet}
