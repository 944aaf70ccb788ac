"""Arithmetic on fixed numbers, folded away while a graph is read: weights in the making, and the sums of shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from worker.dnn.ingest.onnx import arranging
from worker.dnn.ingest.onnx.values import Array, Call, Known
from worker.firstlook import Unfit

Folded = Array | list[Array]
NUMBERS = frozenset(getattr(TensorProto, name) for name in (
    "FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8", "BOOL"))


def fold(call: Call) -> list[Known]:
    """What a node makes of fixed numbers, once, or for both sizes of batch where they differ."""
    if all(isinstance(value, Known) and value.is_fixed for value in call.inputs if value is not None):
        return [Known.of(array) for array in _listed(_run(call))]
    one, two = (_listed(_run(call.in_world(second))) for second in (False, True))
    return [Known.of(first, other) for first, other in zip(one, two, strict=True)]


def _listed(found: Folded) -> list[Array]:
    return found if isinstance(found, list) else [found]


def _run(call: Call) -> Folded:
    try:
        with np.errstate(all="ignore"):
            return FOLDS[call.op](call)
    except Unfit:
        raise
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, ZeroDivisionError) as error:
        raise call.refuse("works on fixed numbers that do not fit together") from error


def _each(function: Callable[..., Array]) -> Callable[[Call], Array]:
    """Number by number, spread as numpy spreads."""
    def run(call: Call) -> Array:
        arrays = [call.array(place) for place in range(len(call.inputs))]
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        arranging.bounded(call, shape, max(array.size for array in arrays))
        found = np.asarray(function(*arrays))
        return found if found.dtype == bool or found.dtype == arrays[0].dtype else found.astype(_kept(call, arrays))
    return run


def _kept(call: Call, arrays: list[Array]) -> np.dtype[Any]:
    return arrays[1].dtype if call.op == "Where" else arrays[0].dtype


def _over_all(function: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    def run(*arrays: Array) -> Array:
        found = arrays[0]
        for array in arrays[1:]:
            found = function(found, array)
        return found
    return run


def _divided(one: Array, other: Array) -> Array:
    """Whole numbers are cut towards zero."""
    if one.dtype.kind not in "iu":
        return np.asarray(np.divide(one, other))
    if not np.all(other):
        raise ZeroDivisionError
    return np.asarray(np.sign(one) * np.sign(other) * (np.abs(one) // np.abs(other)))


def _cast(call: Call) -> Array:
    to = int(call.get("to", 0))
    if to not in NUMBERS:
        raise call.refuse("makes numbers of a type that is not read here")
    found: Array = np.asarray(call.array(0), dtype=helper.tensor_dtype_to_np_dtype(to))
    return found


def _clipped(call: Call) -> Array:
    least, most = call.number("min", 1), call.number("max", 2)
    return np.asarray(np.clip(call.array(0), least, most), dtype=call.array(0).dtype)


def _multiplied(call: Call) -> Array:
    one, other = call.array(0), call.array(1)
    if min(one.ndim, other.ndim) < 1 or one.size * other.shape[-1] > 1 << 32:
        raise call.refuse("multiplies fixed matrices larger than is read here")
    return np.asarray(np.matmul(one, other))


def _reduced(function: Callable[..., Array]) -> Callable[[Call], Array]:
    def run(call: Call) -> Array:
        array, axes = call.array(0), call.ints("axes", 1)
        if not axes and call.get("noop_with_empty_axes"):
            return array
        over = tuple(axes) if axes else None
        return np.asarray(function(array, axis=over, keepdims=bool(call.get("keepdims", 1)))).astype(array.dtype)
    return run


def _sums(function: Callable[[Array], Array]) -> Callable[..., Array]:
    def run(array: Array, **sides: Any) -> Array:
        return np.asarray(np.sum(function(array), **sides))
    return run


def _rooted(array: Array, **sides: Any) -> Array:
    return np.asarray(np.sqrt(_sums(np.square)(array, **sides)))


def _range(call: Call) -> Array:
    start, limit, step = (call.array(place).reshape(()).item() for place in range(3))
    arranging.bounded(call, (max(0, math.ceil((limit - start) / step)),), 0)
    return np.asarray(np.arange(start, limit, step), dtype=call.array(0).dtype)


_ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _divided, "Pow": np.power, "Neg": np.negative, "Abs": np.abs,
    "Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log, "Reciprocal": np.reciprocal, "Floor": np.floor, "Ceil": np.ceil,
    "Round": np.round, "Sign": np.sign, "Not": np.logical_not, "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor,
    "Equal": np.equal, "Greater": np.greater, "Less": np.less, "GreaterOrEqual": np.greater_equal,
    "LessOrEqual": np.less_equal, "Where": np.where, "Sin": np.sin, "Cos": np.cos,
    "Min": _over_all(np.minimum), "Max": _over_all(np.maximum), "Sum": _over_all(np.add),
    "Relu": lambda array: np.maximum(array, 0), "Sigmoid": lambda array: 1 / (1 + np.exp(-array)), "Tanh": np.tanh,
}
FOLDS: dict[str, Callable[[Call], Folded]] = {
    **{op: _each(function) for op, function in _ELEMENTWISE.items()},
    "Mod": lambda call: (np.fmod if call.get("fmod") else np.mod)(call.array(0), call.array(1)),
    "Cast": _cast, "CastLike": lambda call: call.array(0).astype(call.array(1).dtype), "Clip": _clipped,
    "MatMul": _multiplied, "Range": _range,
    "ReduceProd": _reduced(np.prod), "ReduceSum": _reduced(np.sum), "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min), "ReduceMean": _reduced(np.mean),
    "ReduceL1": _reduced(_sums(np.abs)), "ReduceL2": _reduced(_rooted), "ReduceSumSquare": _reduced(_sums(np.square)),
    **arranging.ARRANGING,
}


def all_known(values: Iterable[object]) -> bool:
    return all(value is None or isinstance(value, Known) for value in values)
