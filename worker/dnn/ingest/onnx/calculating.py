"""Sums, products and their kin, of results with each other and with fixed numbers on either side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.activating import clamp
from worker.dnn.ingest.onnx.sheet import Sheet, bare, wish
from worker.dnn.ingest.onnx.values import Array, Call, Flow, Known

_KINDS = {"Add": "add", "Sum": "add", "Mean": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Max": "maximum", "Min": "minimum"}


def binary(sheet: Sheet, call: Call) -> Flow:
    one, other = call.inputs[0], call.inputs[1]
    if isinstance(one, Flow) and isinstance(other, Flow):
        return _joined(sheet, call, one, other)
    if isinstance(one, Flow):
        return _WITH[call.op](sheet, call, one, _numbers(sheet, call, 1, one))
    flow = call.flow(1)
    return _AGAINST[call.op](sheet, call, flow, _numbers(sheet, call, 0, flow))


def _joined(sheet: Sheet, call: Call, one: Flow, other: Flow) -> Flow:
    if len(one.shape) != len(other.shape):
        raise call.mixed("spreads one sample over the batch of another result")
    return sheet.function(_KINDS[call.op], [one, other], wish(call))


def many(sheet: Sheet, call: Call) -> Flow:
    """Max, Min, Sum and Mean of any number of results and fixed numbers."""
    flows = [value for value in call.inputs if isinstance(value, Flow)]
    found = flows[0]
    for flow in flows[1:]:
        found = _joined(sheet, call, found, flow)
    for place, value in enumerate(call.inputs):
        if isinstance(value, Known):
            found = _WITH[call.op](sheet, call, found, _numbers(sheet, call, place, found))
    if call.op == "Mean" and len(call.inputs) > 1:
        found = sheet.layer(found, layers.Affine(1.0 / len(call.inputs), 0.0), wish(call))
    return found


def _numbers(sheet: Sheet, call: Call, place: int, flow: Flow) -> Array:
    """Fixed numbers as they spread over one sample; those of a whole batch must be the same for every sample."""
    value = call.inputs[place]
    assert isinstance(value, Known)
    array = value.one
    rank = len(flow.shape) + 1
    if array.ndim > rank:
        raise call.refuse("adds axes to its result by spreading it over fixed numbers")
    if array.ndim == rank:
        if len(array) > 1 and (len(array) != sheet.batches[0] or (array != array[:1]).any()):
            raise call.mixed("has other fixed numbers for every sample of a batch")
        array = array[0]
    elif not value.is_fixed:
        raise call.mixed("depends on how many samples a batch has")
    if array.size and array.ndim and array.size > 1 and array.size <= 1 << 22 and (array == array.flat[0]).all():
        array = array.reshape(-1)[:1] if _spreads_within(array, flow) else array
    return array


def _spreads_within(array: Array, flow: Flow) -> bool:
    """Whether the result keeps its shape, so that one number says the same as many equal ones."""
    return len(array.shape) <= len(flow.shape) and np.broadcast_shapes(array.shape, flow.shape) == flow.shape


def _single(array: Array) -> bool:
    return array.size == 1


def shift(sheet: Sheet, call: Call, flow: Flow, array: Array) -> Flow:
    if _single(array):
        return _affine(sheet, call, flow, 1.0, float(array.reshape(())))
    sides = _sides(array)
    return sheet.layer(flow, bare(layers.Shift, sides), _named(call), bias=array.reshape(sides))


def scale(sheet: Sheet, call: Call, flow: Flow, array: Array) -> Flow:
    if _single(array):
        return _affine(sheet, call, flow, float(array.reshape(())), 0.0)
    sides = _sides(array)
    return sheet.layer(flow, bare(layers.Scale, sides), _named(call), weight=array.reshape(sides))


def _affine(sheet: Sheet, call: Call, flow: Flow, factor: float, summand: float) -> Flow:
    if not np.isfinite([factor, summand]).all():
        raise call.refuse("calculates with a number that is not finite")
    if (factor, summand) == (1.0, 0.0):
        return flow
    return sheet.layer(flow, layers.Affine(factor, summand), wish(call))


def _sides(array: Array) -> tuple[int, ...]:
    """Without the ones in front, which spread anyway."""
    sides = array.shape
    while sides and sides[0] == 1:
        sides = sides[1:]
    return sides


def _named(call: Call) -> str:
    place = next(place for place, value in enumerate(call.inputs) if isinstance(value, Known))
    return wish(call, place)


def _inverse(array: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(1.0 / array.astype(np.float64))


def _from(sheet: Sheet, call: Call, flow: Flow, array: Array) -> Flow:
    """Fixed numbers minus the result."""
    if _single(array):
        return _affine(sheet, call, flow, -1.0, float(array.reshape(())))
    return shift(sheet, call, sheet.layer(flow, layers.Affine(-1.0, 0.0), wish(call)), array)


def _over(sheet: Sheet, call: Call, flow: Flow, array: Array) -> Flow:
    """Fixed numbers divided by the result."""
    return scale(sheet, call, sheet.layer(flow, layers.Pointwise("reciprocal"), wish(call)), array)


def _bounded(sheet: Sheet, call: Call, flow: Flow, array: Array) -> Flow:
    if not _single(array):
        raise call.refuse("compares results with many different fixed numbers; one is read")
    bound = float(array.reshape(()))
    layer = clamp(bound, None) if call.op == "Max" else clamp(None, bound)
    return flow if isinstance(layer, nn.Identity) else sheet.layer(flow, layer, wish(call))


def power(sheet: Sheet, call: Call) -> Flow:
    """A result to a fixed exponent, or a fixed number to the power of a result."""
    if not isinstance(call.inputs[0], Flow):
        flow, root = call.flow(1), call.array(0)
        if not _single(root) or float(root.reshape(())) <= 0:
            raise call.refuse("raises something else than one positive number to the power of a result")
        grown = _affine(sheet, call, flow, float(np.log(float(root.reshape(())))), 0.0)
        return sheet.layer(grown, layers.Pointwise("exp"), wish(call))
    exponent = _numbers(sheet, call, 1, call.flow()) if isinstance(call.inputs[1], Known) else None
    if exponent is None or not _single(exponent):
        raise call.refuse("raises results to exponents that are not one fixed number")
    number = float(exponent.reshape(()))
    if number == 1.0:
        return call.flow()
    return sheet.layer(call.flow(), layers.Pointwise("sqrt") if number == 0.5 else layers.Power(number), wish(call))


_Rule = Callable[[Sheet, Call, Flow, Array], Flow]
_WITH: dict[str, _Rule] = {
    "Add": shift, "Sum": shift, "Mean": shift, "Mul": scale, "Max": _bounded, "Min": _bounded,
    "Sub": lambda sheet, call, flow, array: shift(sheet, call, flow, -array),
    "Div": lambda sheet, call, flow, array: scale(sheet, call, flow, _inverse(array)),
}
_AGAINST: dict[str, _Rule] = {"Add": shift, "Mul": scale, "Sub": _from, "Div": _over}

CALCULATING = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), binary), **dict.fromkeys(("Max", "Min", "Sum", "Mean"), many), "Pow": power,
}
