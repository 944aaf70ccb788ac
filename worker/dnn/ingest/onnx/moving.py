"""Shapes and axes: reshaping, transposing, squeezing, and what tells shapes."""

from __future__ import annotations

import math

import numpy as np
from torch import nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.arranging import resolved
from worker.dnn.ingest.onnx.sheet import Sheet, wish
from worker.dnn.ingest.onnx.values import Call, Flow, Known, Merged
from worker.dnn.shapes import Shape


def reshaped(sheet: Sheet, flow: Flow, shape: Shape, wish: str) -> Flow:
    """The sample in another shape: nothing, a Flatten where axes are only joined, else a Reshape."""
    if shape == flow.shape:
        return flow
    joined = len(flow.shape) - len(shape) + 1
    for first in range(len(shape) if joined > 1 else 0):
        last = first + joined
        if (*flow.shape[:first], math.prod(flow.shape[first:last]), *flow.shape[last:]) == shape:
            return sheet.layer(flow, nn.Flatten(1 + first, -1 if last == len(flow.shape) else last), wish)
    return sheet.layer(flow, layers.Reshape(shape), wish)


def is_beside_batch(sheet: Sheet, one: Shape, two: Shape) -> bool:
    """Whether whole shapes, told for both sizes of batch, have the batch in front and one shape of sample behind."""
    return (one[:1], two[:1]) == (sheet.batches[:1], sheet.batches[1:]) and one[1:] == two[1:]


def beside_batch(sheet: Sheet, call: Call, one: Shape, two: Shape) -> Shape:
    """The shape of a sample, from the whole shape at both sizes of batch."""
    if not is_beside_batch(sheet, one, two):
        raise call.mixed()
    return one[1:]


def reshape(sheet: Sheet, call: Call) -> Flow | Merged:
    flow = call.flow()
    target = Known.of(np.asarray(call.attributes["shape"])) if "shape" in call.attributes else call.inputs[1]
    if not isinstance(target, Known):
        raise call.refuse("takes a shape that is computed from the images")
    one, two = (resolved(call, (size, *flow.shape), wished.tolist())
                for size, wished in zip(sheet.batches, (target.one, target.two), strict=True))
    if not is_beside_batch(sheet, one, two):
        return Merged(flow, one, two)
    return reshaped(sheet, flow, one[1:], wish(call))


def flatten(sheet: Sheet, call: Call) -> Flow | Merged:
    flow = call.flow()
    axis = int(call.get("axis", 1))
    axis = axis if axis >= 0 else axis + len(flow.shape) + 1
    if axis != 1:
        one, two = ((size * math.prod(flow.shape[: axis - 1]), math.prod(flow.shape[axis - 1 :])) for size in sheet.batches)
        if axis == 0:
            raise call.mixed()
        return Merged(flow, one, two) if one[0] != sheet.batches[0] else reshaped(sheet, flow, one[1:], wish(call))
    return reshaped(sheet, flow, (math.prod(flow.shape),), wish(call))


def squeeze(sheet: Sheet, call: Call) -> Flow:
    flow, axes = call.flow(), call.ints("axes", 1)
    rank = len(flow.shape) + 1
    if axes is None:
        axes = [0] * (sheet.batches == (1, 1)) + [place for place, side in enumerate(flow.shape, 1) if side == 1]
    gone = set(call.axes(axes, rank))
    if 0 in gone:
        raise call.mixed("takes the axis of the batch away")
    if any(flow.shape[axis - 1] != 1 for axis in gone):
        raise call.refuse("takes an axis away that is longer than 1")
    return reshaped(sheet, flow, tuple(side for place, side in enumerate(flow.shape, 1) if place not in gone), wish(call))


def unsqueeze(sheet: Sheet, call: Call) -> Flow:
    flow, axes = call.flow(), call.ints("axes", 1) or []
    rank = len(flow.shape) + 1 + len(axes)
    new, old = set(call.axes(axes, rank)), list(flow.shape)
    if 0 in new:
        raise call.mixed("puts an axis before that of the batch")
    return reshaped(sheet, flow, tuple(1 if place in new else old.pop(0) for place in range(1, rank)), wish(call))


def transpose(sheet: Sheet, call: Call) -> Flow:
    flow = call.flow()
    rank = len(flow.shape) + 1
    perm = tuple(call.get("perm") or reversed(range(rank)))
    if sorted(perm) != list(range(rank)):
        raise call.refuse(f"does not name each of {rank} axes once")
    if perm[0] != 0:
        raise call.mixed()
    return flow if list(perm) == sorted(perm) else sheet.layer(flow, layers.Permute(perm), wish(call))


def shape_of(sheet: Sheet, call: Call) -> Known:
    one, two = ((size, *call.flow().shape) for size in sheet.batches)
    start, end = call.get("start", 0), call.get("end")
    return Known.of(np.asarray(one[start:end], np.int64), np.asarray(two[start:end], np.int64))


def size_of(sheet: Sheet, call: Call) -> Known:
    one, two = (np.asarray(size * math.prod(call.flow().shape), np.int64) for size in sheet.batches)
    return Known.of(one, two)


def depth_to_space(sheet: Sheet, call: Call) -> Flow:
    flow, size = call.flow(), int(call.get("blocksize", 0))
    if len(flow.shape) != 3 or size < 1 or flow.shape[0] % size**2:
        raise call.refuse(f"cannot deal its channels out to {size}x{size} places")
    if call.get("mode", "DCR") == "CRD":
        return sheet.layer(flow, nn.PixelShuffle(size), wish(call))
    depth, height, width = flow.shape[0] // size**2, *flow.shape[1:]
    found = sheet.layer(flow, layers.Reshape((size, size, depth, height, width)), wish(call))
    found = sheet.layer(found, layers.Permute((0, 3, 4, 1, 5, 2)), wish(call))
    return sheet.layer(found, layers.Reshape((depth, height * size, width * size)), wish(call))


def space_to_depth(sheet: Sheet, call: Call) -> Flow:
    flow, size = call.flow(), int(call.get("blocksize", 0))
    if len(flow.shape) != 3 or size < 1 or flow.shape[1] % size or flow.shape[2] % size:
        raise call.refuse(f"cannot take {size}x{size} places together")
    depth, height, width = flow.shape[0], flow.shape[1] // size, flow.shape[2] // size
    found = sheet.layer(flow, layers.Reshape((depth, height, size, width, size)), wish(call))
    found = sheet.layer(found, layers.Permute((0, 3, 5, 1, 2, 4)), wish(call))
    return sheet.layer(found, layers.Reshape((depth * size**2, height, width)), wish(call))


MOVING = {
    "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose, "Shape": shape_of,
    "Size": size_of, "DepthToSpace": depth_to_space, "SpaceToDepth": space_to_depth,
}
