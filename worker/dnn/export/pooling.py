"""Pools. Runtimes count the last window of a ceiled pool in several ways, so the file says in numbers what torch does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from worker.dnn.export.operators import IT, Chain, Operator, each, number, whole
from worker.dnn.shapes import Shape

LOWEST = -3.4028234663852886e38


def said(layer: nn.Module, before: Shape, after: Shape) -> Chain | None:
    match layer:
        case nn.MaxPool1d() | nn.MaxPool2d():
            return _largest(_Windows.of(layer, before, after))
        case nn.AvgPool1d() | nn.AvgPool2d():
            return _mean(_Windows.of(layer, before, after), layer.count_include_pad)
        case nn.LPPool2d():
            return _norm(layer, _Windows.of(layer, before, after))
        case nn.AdaptiveAvgPool1d() | nn.AdaptiveAvgPool2d():
            return _adapted("AveragePool", before, after) or _mixed(before, after)
        case nn.AdaptiveMaxPool1d() | nn.AdaptiveMaxPool2d():
            return _adapted("MaxPool", before, after) or _gathered(before, after)
    return None


@dataclass(frozen=True)
class _Windows:
    """The windows of a pool along each axis; `ends` is how far beyond the image the last one reaches."""

    sizes: list[int]
    counts: list[int]
    kernel: list[int]
    stride: list[int]
    padding: list[int]
    dilation: list[int]

    @classmethod
    def of(cls, layer: Any, before: Shape, after: Shape) -> _Windows:
        axes = len(before) - 1
        padding, dilation = getattr(layer, "padding", 0), getattr(layer, "dilation", 1)
        return cls(list(before[1:]), list(after[1:]), *(each(value, axes) for value in (
            layer.kernel_size, layer.stride, padding, dilation)))

    @property
    def ends(self) -> list[int]:
        """At least the padding: places that no window reads do no harm."""
        return [max(pad, (count - 1) * step + spread * (kernel - 1) + 1 - size - pad)
                for size, count, kernel, step, pad, spread in zip(
                    self.sizes, self.counts, self.kernel, self.stride, self.padding, self.dilation, strict=True)]

    @property
    def ceiled(self) -> bool:
        return self.ends != self.padding

    def attributes(self, ends: list[int]) -> dict[str, Any]:
        return {"kernel_shape": self.kernel, "strides": self.stride, "pads": [*self.padding, *ends]}

    def divisors(self, include_padding: bool) -> Tensor:
        """How many places torch counts in each window: those inside the padded image, or inside the image."""
        result = torch.ones(1)
        for size, count, kernel, step, pad in zip(
                self.sizes, self.counts, self.kernel, self.stride, self.padding, strict=True):
            first = torch.arange(count) * step - pad
            margin = pad if include_padding else 0
            inside = (first + kernel).clamp(max=size + margin) - first.clamp(min=-margin)
            result = result.unsqueeze(-1) * inside
        return result


def _largest(windows: _Windows) -> Chain:
    told = windows.attributes(windows.padding) | {"dilations": windows.dilation}
    if not windows.ceiled:
        return [Operator("MaxPool", told)]
    axes = len(windows.sizes)
    if all(_is_plainly_ceiled(windows, axis) for axis in range(axes)):
        return [Operator("MaxPool", told | {"ceil_mode": 1})]
    more = [end - pad for end, pad in zip(windows.ends, windows.padding, strict=True)]
    places = whole(*[0] * (axes + 2), 0, 0, *more)
    return [Operator("Pad", tensors={"places": places, "lowest": number(LOWEST)}), Operator("MaxPool", told)]


def _is_plainly_ceiled(windows: _Windows, axis: int) -> bool:
    """Whether ONNX's formula gives torch's number of windows, which leaves out one that starts in the padding."""
    reach = windows.dilation[axis] * (windows.kernel[axis] - 1) + 1
    room = windows.sizes[axis] + 2 * windows.padding[axis] - reach
    return -(-room // windows.stride[axis]) + 1 == windows.counts[axis]


def _mean(windows: _Windows, include_padding: bool) -> Chain:
    told = windows.attributes(windows.ends)
    if not windows.ceiled:
        return [Operator("AveragePool", told | {"count_include_pad": int(include_padding)})]
    share = math.prod(windows.kernel) / windows.divisors(include_padding)
    return [Operator("AveragePool", told | {"count_include_pad": 1}), Operator("Mul", tensors={"share": share})]


def _norm(layer: nn.LPPool2d, windows: _Windows) -> Chain:
    """(The sum of x^p)^(1/p): torch keeps the sign of x, which the operator of that name does not."""
    return [
        Operator("Pow", tensors={"norm": number(layer.norm_type)}), *_mean(windows, include_padding=True),
        Operator("Mul", tensors={"places": number(math.prod(windows.kernel))}),
        Operator("Pow", tensors={"root": number(1 / layer.norm_type)}),
    ]


def _adapted(kind: str, before: Shape, after: Shape) -> Chain | None:
    """Windows of one size side by side, where the sides allow it."""
    if all(side == 1 for side in after[1:]):
        return [Operator(f"Global{kind}")]
    if any(size % count for size, count in zip(before[1:], after[1:], strict=True)):
        return None
    kernel = [size // count for size, count in zip(before[1:], after[1:], strict=True)]
    return [Operator(kind, {"kernel_shape": kernel, "strides": kernel})]


def _bounds(size: int, count: int) -> list[tuple[int, int]]:
    """The windows of an adaptive pool: they may overlap and differ by one place."""
    return [(number * size // count, -(-(number + 1) * size // count)) for number in range(count)]


def _mixed(before: Shape, after: Shape) -> Chain:
    """A mean over unequal windows is a product with a matrix, along each axis."""
    columns = Operator("MatMul", tensors={"columns": _means(before[-1], after[-1]).T})
    if len(before) == 2:
        return [columns]
    return [columns, Operator("MatMul", tensors={"rows": _means(before[-2], after[-2])}, reads=("rows", IT))]


def _means(size: int, count: int) -> Tensor:
    matrix = torch.zeros(count, size)
    for row, (first, end) in enumerate(_bounds(size, count)):
        matrix[row, first:end] = 1 / (end - first)
    return matrix


def _gathered(before: Shape, after: Shape) -> Chain:
    """The largest of unequal windows: the last place of a short one is read twice, so that all have one size."""
    chain: Chain = []
    kernel: list[int] = []
    for axis in range(1, len(before)):
        bounds = _bounds(before[axis], after[axis])
        longest = max(end - first for first, end in bounds)
        places = [min(first + step, end - 1) for first, end in bounds for step in range(longest)]
        chain.append(Operator("Gather", {"axis": axis + 1}, {f"places{axis}": whole(*places)}))
        kernel.append(longest)
    return [*chain, Operator("MaxPool", {"kernel_shape": kernel, "strides": kernel})]
