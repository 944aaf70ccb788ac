"""Normalisations: over the batch, a sample, groups of channels, neighbours."""

from __future__ import annotations

import math

import numpy as np
from torch import nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.sheet import Sheet, bare, wish
from worker.dnn.ingest.onnx.values import Array, Call, Flow


def batch_norm(sheet: Sheet, call: Call) -> Flow:
    """Statistics are those of the file; a batch-norm that normalises by the batch is of a training."""
    flow = call.flow()
    if call.get("training_mode") or any(call.outputs[1:]):
        raise call.refuse("normalises as in training: export the network for inference")
    scale, bias, mean, var = (call.array(place) for place in range(1, 5))
    if call.get("spatial", 1) == 0 and len(flow.shape) > 1 and scale.ndim > 1:
        raise call.refuse("keeps statistics for every place of the image, which is not known here")
    if len(flow.shape) not in (1, 2, 3) or any(array.shape != flow.shape[:1] for array in (scale, bias, mean, var)):
        raise call.refuse(f"does not fit a sample of shape {'x'.join(map(str, flow.shape))}")
    kind = nn.BatchNorm2d if len(flow.shape) == 3 else nn.BatchNorm1d
    layer = bare(kind, flow.shape[0], float(call.get("epsilon", 1e-5)), 1.0 - float(call.get("momentum", 0.9)))
    return sheet.layer(flow, layer, wish(call, 1), weight=scale, bias=bias, running_mean=mean, running_var=var)


def instance_norm(sheet: Sheet, call: Call) -> Flow:
    flow, scale, bias = call.flow(), call.array(1), call.array(2)
    if len(flow.shape) not in (2, 3) or scale.shape != flow.shape[:1] or bias.shape != scale.shape:
        raise call.refuse(f"does not fit a sample of shape {'x'.join(map(str, flow.shape))}")
    if math.prod(flow.shape[1:]) == 1:
        # A single place differs from its own mean by nothing; torch refuses to compute that.
        places = (flow.shape[0], *[1] * (len(flow.shape) - 1))
        nothing = sheet.layer(flow, bare(layers.Scale, places), wish(call, 1), weight=np.zeros_like(scale).reshape(places))
        return sheet.layer(nothing, bare(layers.Shift, places), wish(call, 2), bias=bias.reshape(places))
    kind = nn.InstanceNorm2d if len(flow.shape) == 3 else nn.InstanceNorm1d
    layer = bare(kind, flow.shape[0], float(call.get("epsilon", 1e-5)), affine=True)
    return sheet.layer(flow, layer, wish(call, 1), weight=scale, bias=bias)


def group_norm(sheet: Sheet, call: Call) -> Flow:
    """Opset 18 has one factor for a group, later ones have one for a channel."""
    flow, groups = call.flow(), int(call.get("num_groups", 0))
    scale, bias = call.array(1), call.array(2)
    if groups < 1 or not flow.shape or flow.shape[0] % groups:
        raise call.refuse(f"makes {groups} groups of {flow.shape[0] if flow.shape else 0} channels")
    if scale.size == groups != flow.shape[0]:
        scale, bias = (np.repeat(array.reshape(-1), flow.shape[0] // groups) for array in (scale, bias))
    if scale.shape != flow.shape[:1] or bias.shape != scale.shape:
        raise call.refuse("has factors that fit neither its groups nor its channels")
    layer = bare(nn.GroupNorm, groups, flow.shape[0], float(call.get("epsilon", 1e-5)))
    return sheet.layer(flow, layer, wish(call, 1), weight=scale, bias=bias)


def layer_norm(sheet: Sheet, call: Call) -> Flow:
    flow = call.flow()
    call.reads_only()
    axis = call.axis(int(call.get("axis", -1)), len(flow.shape) + 1)
    if axis == 0:
        raise call.mixed()
    shape = flow.shape[axis - 1 :]
    scale = _whole(call, 1, shape)
    bias = _whole(call, 2, shape) if call.has(2) else np.zeros(shape, np.float32)
    layer = bare(nn.LayerNorm, shape, float(call.get("epsilon", 1e-5)))
    return sheet.layer(flow, layer, wish(call, 1), weight=scale, bias=bias)


def _whole(call: Call, place: int, shape: tuple[int, ...]) -> Array:
    try:
        return np.broadcast_to(call.array(place), shape)
    except ValueError as error:
        raise call.refuse("has factors of another shape than what it normalises") from error


def local_response(sheet: Sheet, call: Call) -> Flow:
    """torch and ONNX place windows of an even size differently."""
    size = int(call.get("size", 0))
    if size < 1 or size % 2 == 0:
        raise call.refuse(f"takes {size} neighbours; an odd number of them is known here")
    alpha, beta, bias = (float(call.get(name, usual)) for name, usual in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    return sheet.layer(call.flow(), nn.LocalResponseNorm(size, alpha, beta, bias), wish(call))


NORMALISING = {
    "BatchNormalization": batch_norm, "InstanceNormalization": instance_norm, "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm, "LRN": local_response,
}
