"""Windows that slide over an image: where they begin, how the image is padded for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.dnn import layers
from worker.dnn.ingest.onnx.sheet import Sheet
from worker.dnn.ingest.onnx.values import Call, Flow

LOWEST = -3.4028234663852886e38  # float32's


@dataclass(frozen=True)
class Windows:
    """One entry an axis of the image; `before` and `after` are places added in front and behind."""

    sides: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def is_symmetric(self) -> bool:
        return self.before == self.after


def windows(call: Call, flow: Flow, kernel: Sequence[int]) -> Windows:
    """The node's windows; its automatic padding worked out for the size of this image."""
    axes = len(flow.shape) - 1
    if axes not in (1, 2):
        raise call.refuse(f"works on {axes} axes of an image; one or two are known here")
    stride, dilation = each(call, "strides", axes, 1), each(call, "dilations", axes, 1)
    if len(kernel) != axes or min(*kernel, *stride, *dilation) < 1:
        raise call.refuse("has windows that do not fit the image's axes")
    sides = flow.shape[1:]
    before, after = _pads(call, sides, [(size - 1) * spread + 1 for size, spread in zip(kernel, dilation, strict=True)], stride)
    return Windows(sides, tuple(kernel), stride, dilation, before, after)


def each(call: Call, name: str, axes: int, default: int) -> tuple[int, ...]:
    found = call.get(name) or [default] * axes
    if len(found) != axes:
        raise call.refuse(f"has {len(found)} numbers for {name} where {axes} are needed")
    return tuple(int(number) for number in found)


def _pads(call: Call, sides: Sequence[int], reach: Sequence[int], stride: Sequence[int]) -> tuple[Any, Any]:
    auto, axes = call.get("auto_pad", "NOTSET"), len(sides)
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        totals = [max((-(-side // step) - 1) * step + size - side, 0)
                  for side, size, step in zip(sides, reach, stride, strict=True)]
        less, more = tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)
        return (less, more) if auto == "SAME_UPPER" else (more, less)
    pads = call.get("pads") or [0] * (2 * axes)
    if auto == "VALID":
        pads = [0] * (2 * axes)
    if len(pads) != 2 * axes or min(pads) < 0:
        raise call.refuse("has pads that are negative or not two for each axis")
    return tuple(map(int, pads[:axes])), tuple(map(int, pads[axes:]))


def padded(sheet: Sheet, flow: Flow, before: Sequence[int], after: Sequence[int], wish: str, value: float = 0.0) -> Flow:
    """The image with places added around it; the same result when there are none."""
    if not any((*before, *after)):
        return flow
    return sheet.layer(flow, layers.Pad((0, *before), (0, *after), "constant", value), f"{wish}_pad")


def single(sizes: Sequence[int]) -> Any:
    """torch's layers for signals keep one number, those for images one for each axis."""
    return tuple(sizes) if len(sizes) > 1 else sizes[0]
