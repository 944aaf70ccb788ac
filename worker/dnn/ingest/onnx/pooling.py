"""Pools, their last windows counted as ONNX Runtime counts them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.cutting import cut
from worker.dnn.ingest.onnx.sheet import Sheet, bare, wish
from worker.dnn.ingest.onnx.values import Array, Call, Flow
from worker.dnn.ingest.onnx.windows import LOWEST, Windows, padded, single, windows


def _counts(slides: Windows, ceil: bool) -> tuple[int, ...]:
    """How many windows there are along each axis; the last of a ceiled pool begins inside the image or before it."""
    return tuple(_count(slides, axis, ceil) for axis in range(len(slides.sides)))


def _count(slides: Windows, axis: int, ceil: bool) -> int:
    side, step = slides.sides[axis], slides.stride[axis]
    room = side + slides.before[axis] + slides.after[axis] - slides.dilation[axis] * (slides.kernel[axis] - 1) - 1
    count = (-(-room // step) if ceil else room // step) + 1
    return count - 1 if ceil and (count - 1) * step >= side + slides.before[axis] else count


def _fitted(slides: Windows, ceil: bool) -> Windows:
    """The same windows without rounding up: as many places behind as the last window reaches over."""
    reach = [(count - 1) * step + spread * (size - 1) + 1 for count, step, spread, size
             in zip(_counts(slides, ceil), slides.stride, slides.dilation, slides.kernel, strict=True)]
    after = [max(0, end - side - before) for end, side, before in zip(reach, slides.sides, slides.before, strict=True)]
    return replace(slides, after=tuple(after))


def _torch_takes(slides: Windows) -> bool:
    return slides.is_symmetric and all(2 * pad <= size for pad, size in zip(slides.before, slides.kernel, strict=True))


def max_pool(sheet: Sheet, call: Call) -> Flow:
    call.reads_only()
    flow, ceil = call.flow(), bool(call.get("ceil_mode", 0))
    slides = windows(call, flow, call.get("kernel_shape") or [])
    padding, name = slides.before, wish(call)
    if not _torch_takes(slides):
        slides, ceil = _fitted(slides, ceil), False
        flow, padding = padded(sheet, flow, slides.before, slides.after, name, LOWEST), (0,) * len(padding)
    kind = nn.MaxPool2d if len(padding) == 2 else nn.MaxPool1d
    return sheet.layer(flow, kind(single(slides.kernel), single(slides.stride), single(padding), single(slides.dilation),
                                  ceil_mode=ceil), name)


def average_pool(sheet: Sheet, call: Call) -> Flow:
    flow, ceil, counts_pad = call.flow(), bool(call.get("ceil_mode", 0)), bool(call.get("count_include_pad", 0))
    slides = windows(call, flow, call.get("kernel_shape") or [])
    if max(slides.dilation) > 1:
        raise call.refuse("averages over windows with gaps, which is not known here")
    if counts_pad:
        return _with_pad(sheet, call, slides, ceil)
    if not any((*slides.before, *slides.after)):
        return sheet.layer(flow, _average(slides, slides.before, ceil, False), wish(call))
    return _without_pad(sheet, call, slides, ceil)


def _average(slides: Windows, padding: tuple[int, ...], ceil: bool, counts_pad: bool) -> nn.Module:
    kind = nn.AvgPool2d if len(padding) == 2 else nn.AvgPool1d
    return kind(single(slides.kernel), single(slides.stride), single(padding), ceil, counts_pad)


def _with_pad(sheet: Sheet, call: Call, slides: Windows, ceil: bool) -> Flow:
    """Where windows reach beyond the pads, torch and ONNX Runtime both divide by what is inside them."""
    if _torch_takes(slides):
        return sheet.layer(call.flow(), _average(slides, slides.before, ceil, True), wish(call))
    flow = padded(sheet, call.flow(), slides.before, slides.after, wish(call))
    bare_slides = replace(slides, before=(0,) * len(slides.before), after=(0,) * len(slides.after))
    return sheet.layer(flow, _average(bare_slides, bare_slides.before, ceil, True), wish(call))


def _without_pad(sheet: Sheet, call: Call, slides: Windows, ceil: bool) -> Flow:
    """torch pads evenly: more windows than wanted in front and behind, of which the wanted ones are cut out."""
    wanted = _counts(slides, ceil)
    for ceiled in (ceil, not ceil):
        even = _even(slides, wanted, ceiled)
        if even is not None:
            flow = sheet.layer(call.flow(), _average(slides, even, ceiled, False), wish(call))
            for axis, (pad, count) in enumerate(zip(even, wanted, strict=True)):
                first = (pad - slides.before[axis]) // slides.stride[axis]
                flow = cut(sheet, flow, 2 + axis, first, first + count, 1, f"{wish(call)}_cut")
            return flow
    return _weighed(sheet, call, _fitted(slides, ceil))


def _even(slides: Windows, wanted: tuple[int, ...], ceil: bool) -> tuple[int, ...] | None:
    """A padding torch takes, the same in front and behind, whose windows hold the wanted ones."""
    found = []
    for axis, count in enumerate(wanted):
        pads = range(slides.before[axis], slides.kernel[axis] // 2 + 1, slides.stride[axis])
        pad = next((pad for pad in pads if _reaches(slides, axis, pad, count, ceil)), None)
        if pad is None:
            return None
        found.append(pad)
    return tuple(found)


def _reaches(slides: Windows, axis: int, pad: int, count: int, ceil: bool) -> bool:
    even = replace(slides, before=(pad,) * len(slides.before), after=(pad,) * len(slides.after))
    return _count(even, axis, ceil) >= count + (pad - slides.before[axis]) // slides.stride[axis]


def _weighed(sheet: Sheet, call: Call, slides: Windows) -> Flow:
    """The last resort: zeros counted, then each place put right by how many of its window lie in the image."""
    flow = padded(sheet, call.flow(), slides.before, slides.after, wish(call))
    flow = sheet.layer(flow, _average(slides, (0,) * len(slides.before), False, True), wish(call))
    factors: Array = np.ones((1,) * len(slides.sides))
    for axis, size in enumerate(slides.kernel):
        starts = np.arange(flow.shape[1 + axis]) * slides.stride[axis] - slides.before[axis]
        inside = np.minimum(starts + size, slides.sides[axis]) - np.maximum(starts, 0)
        factors = factors * (size / inside).reshape([-1 if place == axis else 1 for place in range(len(slides.sides))])
    sides = (1, *factors.shape)
    return sheet.layer(flow, bare(layers.Scale, sides), f"{wish(call)}_weights", weight=factors.reshape(sides))


def lp_pool(sheet: Sheet, call: Call) -> Flow:
    """torch pools images by an even norm without padding; zeros are put around before."""
    flow, norm = call.flow(), int(call.get("p", 2))
    slides = windows(call, flow, call.get("kernel_shape") or [])
    if len(slides.kernel) != 2 or max(slides.dilation) > 1 or call.get("ceil_mode"):
        raise call.refuse("pools in a way that is not known here")
    if norm % 2:
        flow = sheet.layer(flow, layers.Pointwise("abs"), f"{wish(call)}_abs")
    flow = padded(sheet, flow, slides.before, slides.after, wish(call))
    return sheet.layer(flow, nn.LPPool2d(float(norm), slides.kernel, slides.stride), wish(call))


def global_pool(sheet: Sheet, call: Call) -> Flow:
    flow, average = call.flow(), call.op == "GlobalAveragePool"
    match len(flow.shape):
        case 3:
            return sheet.layer(flow, nn.AdaptiveAvgPool2d(1) if average else nn.AdaptiveMaxPool2d(1), wish(call))
        case 2:
            return sheet.layer(flow, nn.AdaptiveAvgPool1d(1) if average else nn.AdaptiveMaxPool1d(1), wish(call))
    raise call.refuse(f"pools a sample of {len(flow.shape)} axes")


def global_lp_pool(sheet: Sheet, call: Call) -> Flow:
    flow, norm, name = call.flow(), float(call.get("p", 2)), wish(call)
    powers = sheet.layer(sheet.layer(flow, layers.Pointwise("abs"), name), layers.Power(norm), name)
    dims = tuple(range(2, len(flow.shape) + 1))
    return sheet.layer(sheet.layer(powers, layers.Sum(dims, True), name), layers.Power(1 / norm), name)


POOLING = {
    "MaxPool": max_pool, "AveragePool": average_pool, "LpPool": lp_pool, "GlobalAveragePool": global_pool,
    "GlobalMaxPool": global_pool, "GlobalLpPool": global_lp_pool,
}
