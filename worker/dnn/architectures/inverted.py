"""What MobileNetV3 and EfficientNet are made of: inverted residuals with squeeze and excite, named as in torchvision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

Layer = Callable[[], nn.Module]
Norm = Callable[[int], nn.Module]


@dataclass(frozen=True)
class Inside:
    """A block: channels before, in between, behind; `squeezed` is the gate's width, 0 for a block without."""

    before: int
    hidden: int
    after: int
    kernel: int
    stride: int
    squeezed: int
    expands: bool


@dataclass(frozen=True)
class Manner:
    """Which layers a family makes its blocks of: activation, the gate's two activations, and the norm."""

    activation: Layer
    squeeze: Layer
    gate: Layer
    norm: Norm


class Gated(nn.Module):
    """Each channel times a number from 0 to 1 that all channels' means decide."""

    def __init__(self, count: int, squeezed: int, manner: Manner) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.activation = nn.Conv2d(count, squeezed, 1), manner.squeeze()
        self.fc2, self.scale_activation = nn.Conv2d(squeezed, count, 1), manner.gate()

    def gate(self, images: Tensor) -> Tensor:
        squeezed = self.activation(self.fc1(self.avgpool(images)))
        return self.scale_activation(self.fc2(squeezed))  # type: ignore[no-any-return]

    def forward(self, images: Tensor) -> Tensor:
        return images * self.gate(images)


class Inverted(nn.Module):
    """Expand by 1x1, filter depthwise, gate, project by 1x1 without an activation."""

    def __init__(self, inside: Inside, manner: Manner) -> None:
        super().__init__()
        hidden = inside.hidden
        expand = [convolution(inside.before, hidden, 1, manner)] if inside.expands else []
        gated = [Gated(hidden, inside.squeezed, manner)] if inside.squeezed else []
        self.block = nn.Sequential(
            *expand, convolution(hidden, hidden, inside.kernel, manner, inside.stride, groups=hidden), *gated,
            nn.Sequential(nn.Conv2d(hidden, inside.after, 1, bias=False), manner.norm(inside.after)),
        )
        self.residual = inside.stride == 1 and inside.before == inside.after

    def forward(self, images: Tensor) -> Tensor:
        return self.block(images) + images if self.residual else self.block(images)  # type: ignore[no-any-return]


def convolution(before: int, after: int, kernel: int, manner: Manner, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch-norm, activation."""
    layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, manner.norm(after), manner.activation())
