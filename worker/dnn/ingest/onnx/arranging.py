"""Fixed numbers moved about: gathered, joined, cut, spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from onnx import TensorProto, numpy_helper

from worker.dnn.ingest.onnx.values import Array, Call

MOST_MADE = 1 << 24


def bounded(call: Call, shape: Sequence[int], given: int) -> None:
    """Refuse what would make many numbers out of few."""
    if any(side < 0 for side in shape) or math.prod(shape) > max(MOST_MADE, given):
        raise call.refuse(f"would make {math.prod(shape):,} fixed numbers; at most {MOST_MADE:,} are made")


def resolved(call: Call, shape: Sequence[int], target: Sequence[int]) -> tuple[int, ...]:
    """The shape that Reshape's target means for a tensor of `shape`: 0 keeps a side, -1 is what is left."""
    keeps = not call.get("allowzero", 0)
    if keeps and any(side == 0 and place >= len(shape) for place, side in enumerate(target)):
        raise call.refuse("keeps a side that there is not")
    wished = [shape[place] if side == 0 and keeps else int(side) for place, side in enumerate(target)]
    known, count = math.prod(side for side in wished if side != -1), math.prod(shape)
    if wished.count(-1) == 1 and known and count % known == 0:
        wished[wished.index(-1)] = count // known
    if math.prod(wished) != count or min(wished, default=1) < 0:
        raise call.refuse(f"cannot give {'x'.join(map(str, shape))} numbers the shape {'x'.join(map(str, wished))}")
    return tuple(wished)


def constant(call: Call) -> Array:
    """What a Constant node holds."""
    values = call.attributes
    if isinstance(values.get("value"), TensorProto):
        return tensor(call, values["value"])
    for name, dtype in (("value_float", "f4"), ("value_floats", "f4"), ("value_int", "i8"), ("value_ints", "i8")):
        if name in values:
            return np.asarray(values[name], dtype=dtype)
    raise call.refuse("holds something else than numbers")


def tensor(call: Call, proto: TensorProto) -> Array:
    found: Array = numpy_helper.to_array(proto)
    if found.dtype.kind not in "fiub" and found.dtype.name != "bfloat16":
        raise call.refuse("holds something else than numbers")
    return found


def _filled(call: Call) -> Array:
    shape = [int(side) for side in call.array(0).reshape(-1)]
    bounded(call, shape, 0)
    value = tensor(call, call.get("value")) if call.get("value") is not None else np.zeros(1, np.float32)
    return np.full(shape, value.reshape(-1)[0], dtype=value.dtype)


def _gathered(call: Call) -> Array:
    array, places, axis = call.array(0), call.array(1), int(call.get("axis", 0))
    bounded(call, (*array.shape, places.size), array.size * max(1, places.size) if array.size < MOST_MADE else 0)
    return np.take(array, places.astype(np.int64), axis=axis)


def _joined(call: Call) -> Array:
    arrays = [call.array(place) for place in range(len(call.inputs))]
    bounded(call, (sum(array.size for array in arrays),), 0)
    return np.concatenate(arrays, axis=int(call.get("axis", 0)))


def _cut(call: Call) -> Array:
    array = call.array(0)
    starts, ends = call.ints("starts", 1) or [], call.ints("ends", 2) or []
    axes = call.ints("axes", 3) or list(range(len(starts)))
    steps = (call.ints("steps", 4) if call.has(4) else None) or [1] * len(starts)
    places: list[slice] = [slice(None)] * array.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        places[axis] = slice(start, None if step < 0 and end < -array.shape[axis] else end, step)
    return array[tuple(places)]


def _squeezed(call: Call) -> Array:
    axes = call.ints("axes", 1)
    return np.squeeze(call.array(0), tuple(axes) if axes else None)


def _unsqueezed(call: Call) -> Array:
    return np.expand_dims(call.array(0), tuple(call.ints("axes", 1) or []))


def _spread(call: Call) -> Array:
    array, shape = call.array(0), tuple(int(side) for side in call.array(1))
    full = np.broadcast_shapes(array.shape, shape)
    bounded(call, full, array.size)
    return np.broadcast_to(array, full)


def _tiled(call: Call) -> Array:
    array, times = call.array(0), [int(number) for number in call.array(1)]
    bounded(call, [side * count for side, count in zip(array.shape, times, strict=True)], array.size)
    return np.tile(array, times)


def _split(call: Call) -> list[Array]:
    array, axis = call.array(0), int(call.get("axis", 0))
    sizes = call.ints("split", 1) or shares(array.shape[axis], len(call.outputs))
    if sum(sizes) != array.shape[axis] or len(sizes) != len(call.outputs):
        raise call.refuse("splits into parts that do not add up")
    return np.split(array, np.cumsum(sizes)[:-1], axis=axis)


def shares(side: int, count: int) -> list[int]:
    """Parts of the same size, the last one smaller when it does not divide."""
    size = -(-side // count)
    return [size] * (count - 1) + [side - size * (count - 1)]


def _flat(call: Call) -> Array:
    array, axis = call.array(0), int(call.get("axis", 1))
    axis = axis + array.ndim if axis < 0 else axis
    return array.reshape(math.prod(array.shape[:axis]), -1)


def _shape(call: Call) -> Array:
    return np.asarray(call.array(0).shape[call.get("start", 0) : call.get("end")], dtype=np.int64)


ARRANGING: dict[str, Callable[[Call], Array | list[Array]]] = {
    "Constant": constant, "ConstantOfShape": _filled, "Gather": _gathered, "Concat": _joined, "Slice": _cut,
    "Squeeze": _squeezed, "Unsqueeze": _unsqueezed, "Expand": _spread, "Tile": _tiled, "Split": _split, "Flatten": _flat,
    "Shape": _shape, "Size": lambda call: np.asarray(call.array(0).size, dtype=np.int64),
    "Identity": lambda call: call.array(0),
    "Reshape": lambda call: call.array(0).reshape(resolved(call, call.array(0).shape, call.array(1).tolist())),
    "Transpose": lambda call: np.transpose(call.array(0), call.get("perm")),
}
