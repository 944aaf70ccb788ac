"""LeNet-5 (LeCun et al. 1998), with rectifiers and max-pooling as it is built today."""

from __future__ import annotations

from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan

SMALLEST_UNPADDED = 20


class LeNet5(nn.Module):
    """Two 5x5 convolutions and three linear layers; images below 20 pixels are padded lest nothing be left."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(4)
        padding = 2 if min(plan.in_shape[1:]) < SMALLEST_UNPADDED else 0
        first, second, third, fourth = map(plan.channels, (6, 16, 120, 84))
        self.conv1 = nn.Conv2d(plan.in_shape[0], first, 5, padding=padding)
        self.relu1, self.pool1 = nn.ReLU(), nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(first, second, 5, padding=padding)
        self.relu2, self.pool2, self.flatten = nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
        height, width = (_left(side, padding) for side in plan.in_shape[1:])
        self.fc1, self.relu3 = nn.Linear(second * height * width, third), nn.ReLU()
        self.fc2, self.relu4 = nn.Linear(third, fourth), nn.ReLU()
        self.fc3 = nn.Linear(fourth, plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        images = self.pool1(self.relu1(self.conv1(images)))
        images = self.pool2(self.relu2(self.conv2(images)))
        features = self.relu3(self.fc1(self.flatten(images)))
        return self.fc3(self.relu4(self.fc2(features)))  # type: ignore[no-any-return]


def _left(side: int, padding: int) -> int:
    for _ in range(2):
        side = (side + 2 * padding - 4) // 2
    return side


ARCHITECTURES = {"lenet5": LeNet5}
