"""Convolutions and linear layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.sheet import Sheet, bare, wish
from worker.dnn.ingest.onnx.values import Array, Call, Flow, Known
from worker.dnn.ingest.onnx.windows import each, padded, windows


def conv(sheet: Sheet, call: Call) -> Flow:
    flow, weight, bias = call.flow(), call.array(1), _bias(call)
    name, group = wish(call, 1), int(call.get("group", 1))
    slides = windows(call, flow, _kernel(call, weight))
    if weight.shape[1] * group != flow.shape[0] or group < 1 or weight.shape[0] % group:
        raise call.refuse(f"has weights for {weight.shape[1] * group} channels but is given {flow.shape[0]}")
    padding = slides.before
    if not slides.is_symmetric:
        flow, padding = padded(sheet, flow, slides.before, slides.after, name), (0,) * len(padding)
    kind = nn.Conv2d if len(slides.kernel) == 2 else nn.Conv1d
    layer = bare(kind, weight.shape[1] * group, weight.shape[0], slides.kernel, slides.stride, padding, slides.dilation, group,
                 bias is not None)
    return sheet.layer(flow, layer, name, weight=weight, bias=bias)


def _kernel(call: Call, weight: Array) -> tuple[int, ...]:
    if weight.ndim < 3 or call.get("kernel_shape", list(weight.shape[2:])) != list(weight.shape[2:]):
        raise call.refuse("has weights of another shape than its windows")
    return weight.shape[2:]


def _bias(call: Call) -> Array | None:
    return call.array(2).reshape(-1) if call.has(2) else None


def conv_transpose(sheet: Sheet, call: Call) -> Flow:
    """What torch cannot pad away unevenly is cut off behind."""
    flow, weight, bias = call.flow(), call.array(1), _bias(call)
    name, group = wish(call, 1), int(call.get("group", 1))
    if weight.ndim < 3 or group < 1 or weight.shape[0] != flow.shape[0] or weight.shape[0] % group:
        raise call.refuse(f"has weights for {weight.shape[0]} channels but is given {flow.shape[0]}")
    axes = len(flow.shape) - 1
    if axes not in (1, 2) or weight.ndim != axes + 2:
        raise call.refuse(f"works on {weight.ndim - 2} axes of an image; one or two are known here")
    begin, end, extra, stride, dilation = _crops(call, flow, _kernel(call, weight), axes)
    padding = tuple(map(min, begin, end))
    kind: Any = nn.ConvTranspose2d if axes == 2 else nn.ConvTranspose1d
    if any(more >= max(step, spread) for more, step, spread in zip(extra, stride, dilation, strict=True)):
        raise call.refuse("adds more places to its result than torch can")
    layer = bare(kind, weight.shape[0], weight.shape[1] * group, weight.shape[2:], stride, padding, extra, group,
                 bias is not None, dilation)
    found = sheet.layer(flow, layer, name, weight=weight, bias=bias)
    return _cropped(sheet, found, begin, end, padding, name)


def _crops(call: Call, flow: Flow, kernel: tuple[int, ...], axes: int) -> tuple[Any, ...]:
    stride, dilation = each(call, "strides", axes, 1), each(call, "dilations", axes, 1)
    extra = each(call, "output_padding", axes, 0)
    pads, auto = call.get("pads") or [0] * (2 * axes), call.get("auto_pad", "NOTSET")
    begin, end = tuple(pads[:axes]), tuple(pads[axes:])
    full = [(side - 1) * step + more + (size - 1) * spread + 1
            for side, step, more, size, spread in zip(flow.shape[1:], stride, extra, kernel, dilation, strict=True)]
    wished = call.get("output_shape")
    if auto in ("SAME_UPPER", "SAME_LOWER") and not wished:
        wished = [side * step for side, step in zip(flow.shape[1:], stride, strict=True)]
    if wished:
        totals = [size - int(wish) for size, wish in zip(full, wished[-axes:], strict=True)]
        less, more = tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)
        begin, end = (less, more) if auto == "SAME_UPPER" else (more, less)
    if min(*begin, *end) < 0 or len(begin) != axes or len(end) != axes:
        raise call.refuse("wants a result larger than its windows give")
    return begin, end, extra, stride, dilation


def _cropped(sheet: Sheet, flow: Flow, begin: Any, end: Any, padding: tuple[int, ...], name: str) -> Flow:
    for axis, (first, last, taken) in enumerate(zip(begin, end, padding, strict=True)):
        start, stop = first - taken, flow.shape[1 + axis] - (last - taken)
        if start or stop < flow.shape[1 + axis]:
            flow = sheet.layer(flow, layers.Slice(2 + axis, start, stop), f"{name}_crop")
    return flow


def gemm(sheet: Sheet, call: Call) -> Flow:
    """alpha * A B + beta * C, the factors put into the weights."""
    if call.get("transA"):
        raise call.mixed("multiplies the samples of a batch with each other")
    if not isinstance(call.inputs[1], Known):
        raise call.refuse("multiplies two results of the network; MatMul does that, Gemm is read with fixed weights")
    weight = call.array(1) if call.get("transB") else call.array(1).T
    weight = _times(weight, float(call.get("alpha", 1.0)))
    if weight.ndim != 2:
        raise call.refuse("multiplies with fixed numbers that are no matrix")
    bias = _times(call.array(2), float(call.get("beta", 1.0))) if call.has(2) else None
    if bias is not None and bias.size not in (1, weight.shape[0]):
        raise call.refuse(f"adds {bias.size} numbers to {weight.shape[0]}")
    if bias is not None:
        bias = np.broadcast_to(bias.reshape(-1), (weight.shape[0],))
    return linear(sheet, call, call.flow(), weight, bias, wish(call, 1))


def _times(array: Array, factor: float) -> Array:
    return array if factor == 1.0 else array * array.dtype.type(factor)


def linear(sheet: Sheet, call: Call, flow: Flow, weight: Array, bias: Array | None, name: str) -> Flow:
    if not flow.shape or flow.shape[-1] != weight.shape[1]:
        raise call.refuse(f"multiplies rows of {flow.shape[-1] if flow.shape else 1} numbers with weights for {weight.shape[1]}")
    layer = bare(nn.Linear, weight.shape[1], weight.shape[0], bias is not None)
    return sheet.layer(flow, layer, name, weight=weight, bias=bias)


def matmul(sheet: Sheet, call: Call) -> Flow:
    """With fixed numbers on one side it is a linear layer, along the last axis or the one before it."""
    one, other = call.inputs[0], call.inputs[1]
    if isinstance(one, Flow) and isinstance(other, Flow):
        if min(len(one.shape), len(other.shape)) < 2:
            raise call.mixed()
        return sheet.function("matmul", [one, other], wish(call))
    if isinstance(one, Flow):
        return linear(sheet, call, one, _matrix(call, 1).T, None, wish(call, 1))
    flow, weight, name = call.flow(1), _matrix(call, 0), wish(call, 0)
    if len(flow.shape) < 2:
        raise call.mixed()
    dims = list(range(len(flow.shape) + 1))
    swapped = (*dims[:-2], dims[-1], dims[-2])
    turned = sheet.layer(flow, layers.Permute(swapped), f"{name}_turn")
    return sheet.layer(linear(sheet, call, turned, weight, None, name), layers.Permute(swapped), f"{name}_turn")


def _matrix(call: Call, place: int) -> Array:
    weight = call.array(place)
    weight = weight.reshape(weight.shape[-2:]) if weight.ndim > 2 and weight.size == np.prod(weight.shape[-2:]) else weight
    if weight.ndim != 2:
        raise call.refuse("multiplies with fixed numbers that are no matrix")
    return weight



CONVOLVING = {"Conv": conv, "ConvTranspose": conv_transpose, "Gemm": gemm, "MatMul": matmul}
