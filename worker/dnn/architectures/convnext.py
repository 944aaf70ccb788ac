"""ConvNeXt (Liu, Mao, Wu, Feichtenhofer, Darrell, Xie: "A ConvNet for the 2020s", 2022, arXiv 2201.03545): convnext_tiny,
layers named as in torchvision (28,589,128 parameters at 1,000 classes).

No stochastic depth: it has no weights. Layer scale begins at 1, not at the paper's 1e-6, and weights are Kaiming normal as
everywhere in the house, not of a deviation of 0.02: at 1e-6 whoever prunes at initialisation would see nothing of the blocks.
Layer-norms before each reader keep the sum in bounds; narrow, on small digits, both beginnings learn equally fast.
Small images are cut into patches of 2x2 pixels instead of 4x4, so that 32x32 pixels reach the last stage as 2x2 (27,824,362
parameters at 10 classes).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from torch import Tensor, nn

from worker.dnn.architectures.plan import Plan
from worker.dnn.layers import Permute, Scale

SMALLEST = 16
EPS = 1e-6
STAGES = ((96, 3), (192, 3), (384, 9), (768, 3))
CHANNELS_LAST, CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
# torchvision's layer scale is a tensor of the block, not of a layer.
RENAMED = ((r"layer_scale$", "layer_scale.weight"),)


class Block(nn.Module):
    """7x7 depthwise, then four times as wide and back at every pixel, beside a shortcut."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(count, count, 7, padding=3, groups=count), Permute(CHANNELS_LAST), nn.LayerNorm(count, EPS),
            nn.Linear(count, 4 * count), nn.GELU(), nn.Linear(4 * count, count), Permute(CHANNELS_FIRST),
        )
        self.layer_scale = Scale((count, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.layer_scale(self.block(images)) + images  # type: ignore[no-any-return]


class ConvNeXt(nn.Module):
    """Four stages; a layer-norm and a 2x2 convolution of stride 2 between them."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        plan.needs(SMALLEST)
        self.features = nn.Sequential(*_stages(plan))
        last = plan.channels(STAGES[-1][0])
        self.avgpool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.classifier = nn.Sequential(OrderedDict({"0": nn.LayerNorm(last, EPS), "2": nn.Linear(last, plan.num_classes)}))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.flatten(self.avgpool(self.features(images))))  # type: ignore[no-any-return]


def _stages(plan: Plan) -> Iterator[nn.Module]:
    before, patch = plan.in_shape[0], 4 if plan.large else 2
    for number, (width, blocks) in enumerate(STAGES):
        count, size = plan.channels(width), 2 if number else patch
        yield nn.Sequential(_patches(nn.Conv2d(before, count, size, size), normed_before=number > 0))
        yield nn.Sequential(*(Block(count) for _ in range(blocks)))
        before = count


def _patches(convolution: nn.Conv2d, *, normed_before: bool) -> OrderedDict[str, nn.Module]:
    """A convolution and a layer-norm over the channels of every pixel; the two are numbered, their axes' turns are not."""
    count = convolution.in_channels if normed_before else convolution.out_channels
    first, second = ("0", "1") if normed_before else ("1", "0")
    normed = {"last": Permute(CHANNELS_LAST), first: nn.LayerNorm(count, EPS), "first": Permute(CHANNELS_FIRST)}
    return OrderedDict(normed | {second: convolution} if normed_before else {second: convolution} | normed)


ARCHITECTURES = {"convnext_tiny": ConvNeXt}
