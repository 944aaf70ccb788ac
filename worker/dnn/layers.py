"""The house's own layers: what networks do that torch has as functions only, so that every step of a network is a layer.

All of them leave the batch axis (0) alone. Axes are counted with it, as everywhere in torch; shapes are told without it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class Scale(nn.Module):
    """x * weight, for a weight of `shape` that is spread over x from the last axis on: (c, 1, 1) is one number a channel."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.weight = nn.Parameter(torch.ones(self.shape))

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class Shift(nn.Module):
    """x + bias, for a bias of `shape` that is spread over x from the last axis on."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.bias = nn.Parameter(torch.zeros(self.shape))

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias


class Affine(nn.Module):
    """x * scale + shift, for two fixed numbers: no training moves them."""

    def __init__(self, scale: float = 1.0, shift: float = 0.0) -> None:
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.shift


class Power(nn.Module):
    """x to a fixed exponent."""

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, x: Tensor) -> Tensor:
        return x**self.exponent


class Clamp(nn.Module):
    """x held between two bounds; None is no bound."""

    def __init__(self, least: float | None, most: float | None) -> None:
        super().__init__()
        self.least, self.most = least, most

    def forward(self, x: Tensor) -> Tensor:
        return torch.clamp(x, self.least, self.most)


POINTWISE: dict[str, Callable[[Tensor], Tensor]] = {
    name: getattr(torch, name)
    for name in ("abs", "neg", "exp", "log", "sqrt", "reciprocal", "erf", "floor", "ceil", "round", "sign", "sin", "cos")
}


class Pointwise(nn.Module):
    """One of POINTWISE, number by number."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return POINTWISE[self.function](x)


class Reshape(nn.Module):
    """The sample in another shape; one of its sides may be -1, which is what is left."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)


class Permute(nn.Module):
    """Axes in another order, the batch axis first: Permute((0, 2, 3, 1)) puts channels last."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)


class Slice(nn.Module):
    """Places `start` to `stop` (None: the end) of one axis, every `step`-th; a split is several of them."""

    def __init__(self, dim: int, start: int, stop: int | None, step: int = 1) -> None:
        super().__init__()
        self.dim, self.start, self.stop, self.step = dim, start, stop, step

    def forward(self, x: Tensor) -> Tensor:
        places: list[slice] = [slice(None)] * x.ndim
        places[self.dim] = slice(self.start, self.stop, self.step)
        return x[tuple(places)]


class Pad(nn.Module):
    """`before` and `after` places added along each axis of the sample. `mode` as in torch: constant, reflect, replicate."""

    def __init__(self, before: tuple[int, ...], after: tuple[int, ...], mode: str = "constant", value: float = 0.0) -> None:
        super().__init__()
        self.before, self.after, self.mode, self.value = tuple(before), tuple(after), mode, value

    def forward(self, x: Tensor) -> Tensor:
        pairs = list(zip(self.before, self.after, strict=True))
        while self.mode != "constant" and len(pairs) > x.ndim - 2:
            pairs.pop(0)  # torch reflects and repeats along the image's axes only
        pads = [places for pair in reversed(pairs) for places in pair]
        return functional.pad(x, pads, self.mode, self.value if self.mode == "constant" else None)


class Mean(nn.Module):
    """The mean over axes."""

    def __init__(self, dims: tuple[int, ...], keepdim: bool = False) -> None:
        super().__init__()
        self.dims, self.keepdim = tuple(dims), keepdim

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.dims, self.keepdim)


class Max(nn.Module):
    """The largest over axes."""

    def __init__(self, dims: tuple[int, ...], keepdim: bool = False) -> None:
        super().__init__()
        self.dims, self.keepdim = tuple(dims), keepdim

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(self.dims, self.keepdim)


class Sum(nn.Module):
    """The sum over axes."""

    def __init__(self, dims: tuple[int, ...], keepdim: bool = False) -> None:
        super().__init__()
        self.dims, self.keepdim = tuple(dims), keepdim

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(self.dims, self.keepdim)
