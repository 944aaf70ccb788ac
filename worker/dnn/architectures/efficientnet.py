"""EfficientNet (Tan and Le: "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, arXiv
1905.11946): efficientnet_b0, layers named as in torchvision (5,288,548 parameters at 1,000 classes).

No stochastic depth: in training it leaves out whole blocks at random, and has no weights. Batch-norm has torch's own eps, as
in torchvision's B0 (the authors' TensorFlow weights want 0.001). Small images lack the strides of the first convolution and
of the second stage, so that 32x32 pixels reach the last stage as 4x4; the weights have the same shapes (4,020,358 parameters
at 10 classes).
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from worker.dnn.architectures.inverted import Inside, Inverted, Manner, convolution
from worker.dnn.architectures.plan import Plan

SMALLEST = 8
STEM, LAST, DROPPED = 32, 1280, 0.2
# Expansion, kernel, stride of the first block, channels, blocks: the paper's table 1.
STAGES = (
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
MANNER = Manner(nn.SiLU, nn.SiLU, nn.Sigmoid, nn.BatchNorm2d)


class EfficientNet(nn.Module):
    """Seven stages of inverted residuals with squeeze and excite between two convolutions."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        stem, last = plan.channels(STEM), plan.channels(LAST)
        self.features = nn.Sequential(
            convolution(plan.in_shape[0], stem, 3, MANNER, 2 if plan.large else 1), *_stages(plan, stem),
            convolution(plan.channels(STAGES[-1][3]), last, 1, MANNER),
        )
        self.avgpool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.classifier = nn.Sequential(nn.Dropout(DROPPED), nn.Linear(last, plan.num_classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.flatten(self.avgpool(self.features(images))))  # type: ignore[no-any-return]


def _stages(plan: Plan, before: int) -> Iterator[nn.Sequential]:
    for number, (expansion, kernel, stride, width, blocks) in enumerate(STAGES):
        after, first = plan.channels(width), 1 if number == 1 and not plan.large else stride
        befores, strides = [before, *[after] * (blocks - 1)], [first, *[1] * (blocks - 1)]
        yield nn.Sequential(*(_block(*each, after, expansion, kernel) for each in zip(befores, strides, strict=True)))
        before = after


def _block(before: int, stride: int, after: int, expansion: int, kernel: int) -> Inverted:
    squeezed = max(1, before // 4)
    return Inverted(Inside(before, expansion * before, after, kernel, stride, squeezed, expands=expansion > 1), MANNER)


ARCHITECTURES = {"efficientnet_b0": EfficientNet}
