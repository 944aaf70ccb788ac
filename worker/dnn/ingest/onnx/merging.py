"""Samples laid end to end for a while: a file may join the batch with other axes, work on rows, and take them apart again.

tf2onnx multiplies images with a matrix like that, torch's newer exporter tells views by tables of places.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from worker.dnn.ingest.onnx.arranging import resolved
from worker.dnn.ingest.onnx.moving import is_beside_batch, reshaped
from worker.dnn.ingest.onnx.sheet import Sheet, wish
from worker.dnn.ingest.onnx.values import Call, Flow, Known, Merged, Value
from worker.dnn.shapes import Shape

# What works on each row, or number by number.
ROWWISE = frozenset((
    "MatMul", "Gemm", "Add", "Sub", "Mul", "Div", "Relu", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus", "Softsign",
    "HardSwish", "HardSigmoid", "Mish", "Gelu", "Swish", "Clip", "Erf", "Exp", "Sqrt", "Abs", "Neg", "Reciprocal", "Pow",
    "Dropout", "Identity", "Cast"))
_LAST = frozenset(("Softmax", "LogSoftmax", "LayerNormalization"))
Handler = Callable[[Sheet, Call], Any]


def has_merged(call: Call) -> bool:
    return any(isinstance(value, Merged) for value in call.inputs)


def merged(sheet: Sheet, call: Call, handler: Handler | None) -> Value | list[Value]:
    """What a node makes of samples laid end to end."""
    match call.op:
        case "Reshape":
            return _reshaped(sheet, call)
        case "Gather":
            return _gathered(sheet, call)
        case "Shape":
            given, places = _given(call), slice(call.get("start", 0), call.get("end"))
            return Known.of(*(np.asarray(shape[places], np.int64) for shape in (given.one, given.two)))
    if handler is None or not (call.op in ROWWISE or (call.op in _LAST and call.get("axis", -1) == -1 and call.opset >= 13)):
        raise call.mixed()
    return _rowwise(sheet, call, handler)


def _given(call: Call) -> Merged:
    found = call.inputs[0]
    if not isinstance(found, Merged):
        raise call.mixed()
    return found


def _reshaped(sheet: Sheet, call: Call) -> Flow | Merged:
    given, target = _given(call), call.inputs[1]
    if not isinstance(target, Known):
        raise call.mixed()
    one, two = (resolved(call, shape, wished.tolist()) for shape, wished in ((given.one, target.one), (given.two, target.two)))
    if is_beside_batch(sheet, one, two):
        return reshaped(sheet, given.flow, one[1:], wish(call))
    return Merged(given.flow, one, two)


def _gathered(sheet: Sheet, call: Call) -> Flow:
    """A table of places of all numbers in a row that is a view of every sample: as_strided, as it is written down."""
    given, table = _given(call), call.inputs[1]
    count = math.prod(given.flow.shape)
    if len(given.one) != 1 or not isinstance(table, Known) or call.get("axis", 0) != 0:
        raise call.mixed()
    for places, size in zip((table.one, table.two), sheet.batches, strict=True):
        wanted = np.arange(size * count)
        if places.size != wanted.size or places.shape[:1] != (size,) or (places.reshape(-1) != wanted).any():
            raise call.mixed()
    return reshaped(sheet, given.flow, tuple(int(side) for side in table.one.shape[1:]), wish(call))


def _rowwise(sheet: Sheet, call: Call, handler: Handler) -> Merged:
    """The rows of one sample become an axis, and are laid end to end again behind."""
    inner = replace(call, inputs=[_rows(sheet, call, value) for value in call.inputs])
    found: Flow = handler(sheet, inner)
    one, two = ((size * found.shape[0], *found.shape[1:]) for size in sheet.batches)
    return Merged(found, one, two)


def _rows(sheet: Sheet, call: Call, value: Value | None) -> Value | None:
    if isinstance(value, Flow):
        raise call.mixed()
    if not isinstance(value, Merged):
        return value
    counts = [shape[0] // size for shape, size in zip((value.one, value.two), sheet.batches, strict=True)]
    shapes: list[Shape] = [(count, *shape[1:]) for count, shape in zip(counts, (value.one, value.two), strict=True)]
    if shapes[0] != shapes[1] or value.one[0] % sheet.batches[0] or math.prod(shapes[0]) != math.prod(value.flow.shape):
        raise call.mixed()
    return reshaped(sheet, value.flow, shapes[0], f"{wish(call)}_rows")
