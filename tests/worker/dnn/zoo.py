"""Small networks, one for each way in which channels can be coupled."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from worker.dnn.form import trace

IN_SHAPE = (3, 12, 12)
CLASSES = 5


def conv(
    before: int, after: int, kernel: int = 3, stride: int = 1, groups: int = 1, bias: bool = False
) -> nn.Sequential:
    """Convolution, batch-norm, rectifier."""
    layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=bias)
    return nn.Sequential(layer, nn.BatchNorm2d(after), nn.ReLU())


class Chain(nn.Sequential):
    """Bias and batch-norm, stride, both pools, and a flatten of more than one pixel."""

    def __init__(self) -> None:
        super().__init__(
            conv(3, 8, bias=True), nn.MaxPool2d(2), conv(8, 10, stride=2, bias=True), nn.AvgPool2d(3, 1, 1),
            nn.Flatten(), nn.Linear(90, 12), nn.ReLU(), nn.Linear(12, CLASSES),
        )


class Unpadded(nn.Sequential):
    """Convolutions without padding, so that constants may be folded, and without bias to fold them into."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3), nn.Sigmoid(), nn.Conv2d(8, 9, 3, bias=False), nn.PReLU(9), nn.MaxPool2d(2),
            nn.Conv2d(9, 6, 3), nn.Hardswish(), nn.Flatten(), nn.Linear(24, CLASSES),
        )


class Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.one = conv(before, after, stride=stride)
        self.two = nn.Sequential(*conv(after, after)[:2])
        self.way = nn.Sequential(*conv(before, after, 1, stride)[:2]) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.two(self.one(x)) + self.way(x))


class Residual(nn.Sequential):
    """Basic blocks, one of them with a projection."""

    def __init__(self) -> None:
        super().__init__(
            conv(3, 6), Block(6, 6, 1), Block(6, 9, 2), Block(9, 9, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(9, CLASSES),
        )


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 beside a projection."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.narrow, self.inner = conv(3, 8), conv(8, 4, 1), conv(4, 4, stride=2)
        self.wide, self.way = nn.Sequential(*conv(4, 12, 1)[:2]), nn.Sequential(*conv(8, 12, 1, 2)[:2])
        self.fc = nn.Linear(12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.relu(self.wide(self.inner(self.narrow(x))) + self.way(x))
        return self.fc(x.mean((2, 3)))


class Dense(nn.Module):
    """Concatenations, also of what was concatenated before."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two = conv(3, 6), conv(6, 4), conv(10, 4)
        self.last, self.fc = conv(14, 8, 1), nn.Linear(8 * 36, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([x, self.one(x)], 1)
        x = torch.cat([x, self.two(x)], dim=1)
        return self.fc(nn.functional.max_pool2d(self.last(x), 2).flatten(1))


class Separable(nn.Module):
    """An inverted residual with a depthwise convolution, as in MobileNetV2."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.up, self.deep = conv(3, 6), conv(6, 18, 1), conv(18, 18, groups=18)
        self.down, self.tail = nn.Sequential(*conv(18, 6, 1)[:2]), conv(6, 6, stride=2, groups=6, bias=True)
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.down(self.deep(self.up(x)))
        return self.fc(self.tail(x).mean([2, 3]))


class Gated(nn.Module):
    """Squeeze and excite per channel, then a gate of one channel spread over all."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.squeeze, self.excite = conv(3, 8), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.pool, self.spot, self.last = nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 1, 1), conv(8, 6)
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x * torch.sigmoid(self.excite(torch.relu(self.squeeze(self.pool(x)))))
        x = x * torch.sigmoid(self.spot(x))
        return self.fc(torch.flatten(self.pool(self.last(x)), 1))


class Grouped(nn.Sequential):
    """A grouped convolution and a GroupNorm, whose channels cannot go one by one."""

    def __init__(self) -> None:
        super().__init__(
            conv(3, 8), conv(8, 8, groups=2), conv(8, 6), nn.Conv2d(6, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU(),
            conv(8, 6), nn.Flatten(), nn.Linear(6 * 144, CLASSES),
        )


ALL: dict[str, type[nn.Module]] = {
    cls.__name__: cls for cls in (Chain, Unpadded, Residual, Bottleneck, Dense, Separable, Gated, Grouped)
}


def network(name: str, *, seed: int = 0, dtype: torch.dtype = torch.float64) -> fx.GraphModule:
    """A network of the zoo as if it had been trained: no bias and no statistic of batch-norm is as it began."""
    torch.manual_seed(seed)
    return lived_in(trace(ALL[name]()).to(dtype), seed=seed)


@torch.no_grad()
def lived_in(made: fx.GraphModule, *, seed: int = 0) -> fx.GraphModule:
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in (*made.named_parameters(), *made.named_buffers()):
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=generator)
        elif tensor.ndim == 1 and tensor.is_floating_point():
            tensor.normal_(generator=generator)
    return made.eval()


def filter_masks(made: nn.Module, *, dead: float = 0.4, density: float = 0.6, seed: int = 0) -> dict[str, Tensor]:
    """Masks that kill whole filters with probability `dead` and thin out the rest; the classifier is left alone."""
    generator = torch.Generator().manual_seed(seed)
    weights = [(name, tensor) for name, tensor in made.named_parameters() if tensor.ndim > 1][:-1]
    masks = {}
    for name, tensor in weights:
        rows = torch.rand((len(tensor), *[1] * (tensor.ndim - 1)), generator=generator) >= dead
        rows[0] = True
        masks[name] = (torch.rand(tensor.shape, generator=generator) < density) & rows
    return masks


def images(count: int = 3, dtype: torch.dtype = torch.float64, shape: tuple[int, ...] = IN_SHAPE) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(9)).to(dtype)


def parameters(made: nn.Module) -> int:
    return sum(each.numel() for each in made.parameters())
