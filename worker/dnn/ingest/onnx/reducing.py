"""Means, sums and largest numbers over axes; over the whole image they are global pools."""

from __future__ import annotations

from torch import nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.moving import reshaped
from worker.dnn.ingest.onnx.sheet import Sheet, wish
from worker.dnn.ingest.onnx.values import Call, Flow


def reduce(sheet: Sheet, call: Call) -> Flow:
    flow, axes = call.flow(), call.ints("axes", 1)
    if not axes and call.get("noop_with_empty_axes"):
        return flow
    dims = tuple(sorted(set(call.axes(axes or range(len(flow.shape) + 1), len(flow.shape) + 1))))
    if 0 in dims:
        raise call.mixed()
    return _REDUCED[call.op](sheet, call, flow, dims, bool(call.get("keepdims", 1)))


def _mean(sheet: Sheet, call: Call, flow: Flow, dims: tuple[int, ...], keeps: bool) -> Flow:
    if dims == (2, 3) and len(flow.shape) == 3:
        return _pooled(sheet, flow, nn.AdaptiveAvgPool2d(1), wish(call), keeps)
    return sheet.layer(flow, layers.Mean(dims, keeps), wish(call))


def _max(sheet: Sheet, call: Call, flow: Flow, dims: tuple[int, ...], keeps: bool) -> Flow:
    if dims == (2, 3) and len(flow.shape) == 3:
        return _pooled(sheet, flow, nn.AdaptiveMaxPool2d(1), wish(call), keeps)
    return sheet.layer(flow, layers.Max(dims, keeps), wish(call))


def _pooled(sheet: Sheet, flow: Flow, layer: nn.Module, name: str, keeps: bool) -> Flow:
    found = sheet.layer(flow, layer, name)
    return found if keeps else reshaped(sheet, found, found.shape[:1], f"{name}_flat")


def _min(sheet: Sheet, call: Call, flow: Flow, dims: tuple[int, ...], keeps: bool) -> Flow:
    turned = sheet.layer(flow, layers.Pointwise("neg"), wish(call))
    return sheet.layer(_max(sheet, call, turned, dims, keeps), layers.Pointwise("neg"), wish(call))


def _sum(sheet: Sheet, call: Call, flow: Flow, dims: tuple[int, ...], keeps: bool) -> Flow:
    return sheet.layer(flow, layers.Sum(dims, keeps), wish(call))


def _squares(sheet: Sheet, call: Call, flow: Flow, dims: tuple[int, ...], keeps: bool) -> Flow:
    return _sum(sheet, call, sheet.layer(flow, layers.Power(2.0), wish(call)), dims, keeps)


def _length(sheet: Sheet, call: Call, flow: Flow, dims: tuple[int, ...], keeps: bool) -> Flow:
    return sheet.layer(_squares(sheet, call, flow, dims, keeps), layers.Pointwise("sqrt"), wish(call))


def _sizes(sheet: Sheet, call: Call, flow: Flow, dims: tuple[int, ...], keeps: bool) -> Flow:
    return _sum(sheet, call, sheet.layer(flow, layers.Pointwise("abs"), wish(call)), dims, keeps)


_REDUCED = {
    "ReduceMean": _mean, "ReduceMax": _max, "ReduceMin": _min, "ReduceSum": _sum, "ReduceSumSquare": _squares,
    "ReduceL2": _length, "ReduceL1": _sizes,
}
REDUCING = dict.fromkeys(_REDUCED, reduce)
