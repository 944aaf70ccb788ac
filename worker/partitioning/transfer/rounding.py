"""Numbers sent as int8: an affine scale for the whole tensor or for each channel, and training through what is not smooth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from worker.dnn import layers

LEAST, MOST = -128, 127


class Straight(nn.Module):
    """Rounds; its gradient is that of doing nothing. It stands where `Pointwise("round")` will, as long as a network trains."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.round(x).detach() + (x - x.detach())


@dataclass(frozen=True)
class Range:
    """What a tensor holds: one lowest and one highest number, or one of each for every channel."""

    low: Tensor
    high: Tensor

    @property
    def scale(self) -> Tensor:
        """One step of int8. Zero is always in the range, so that it is one of the 256 numbers: padding stays padding."""
        width = self.high.double().clamp(min=0) - self.low.double().clamp(max=0)
        return torch.where(width > 0, width / (MOST - LEAST), torch.ones_like(width))

    @property
    def zero(self) -> Tensor:
        """Which whole number stands for zero."""
        return torch.round(LEAST - self.low.double().clamp(max=0) / self.scale)


def rounding(found: Range, rank: int) -> list[nn.Module]:
    """x as whole numbers from -128 to 127, still in float32. `rank`: axes of a sample."""
    return [*_linear(1 / found.scale, found.zero, rank), Straight(), layers.Clamp(float(LEAST), float(MOST))]


def restoring(found: Range, rank: int) -> list[nn.Module]:
    """The numbers that they stand for: none within the range is farther off than half a step."""
    return _linear(found.scale, -found.zero * found.scale, rank)


def _linear(scale: Tensor, shift: Tensor, rank: int) -> list[nn.Module]:
    """x * scale + shift, numbers that no training moves."""
    if scale.ndim == 0:
        return [layers.Affine(float(scale), float(shift))]
    shape = (len(scale), *[1] * (rank - 1))
    made: tuple[nn.Module, nn.Module] = layers.Scale(shape), layers.Shift(shape)
    for layer, values in zip(made, (scale, shift), strict=True):
        (weight,) = layer.parameters()
        weight.requires_grad_(False).copy_(values.view(shape))
    return list(made)


def settled(network: nn.Module) -> None:
    """Training is over: what rounds is a layer of the house again."""
    for name, layer in list(network.named_modules()):
        if isinstance(layer, Straight):
            network.set_submodule(name, layers.Pointwise("round"))
