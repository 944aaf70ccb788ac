"""ResNeXt (Xie, Girshick, Dollar, Tu, He: "Aggregated Residual Transformations for Deep Neural Networks", 2016, arXiv
1611.05431): resnext50 is the paper's 32x4d, layers named as in torchvision (25,028,904 parameters at 1,000 classes).

It is ResNet-50 with 3x3 convolutions of 32 groups, twice as wide; `width` scales the number of groups, not their size. Small
images pass a 3x3 convolution first, as in ResNet-50's form for them (22,992,714 parameters at 10 classes).
"""

from __future__ import annotations

from torch import nn

from worker.dnn.architectures.plan import Plan
from worker.dnn.architectures.resnet import Bottleneck, Wide

CARDINALITY = 32


def _resnext50(plan: Plan) -> nn.Module:
    return Wide(plan, Bottleneck, (3, 4, 6, 3), plan.channels(CARDINALITY))


ARCHITECTURES = {"resnext50": _resnext50}
