"""Activations, and functions that work number by number."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.moving import reshaped
from worker.dnn.ingest.onnx.sheet import Sheet, bare, wish
from worker.dnn.ingest.onnx.values import Call, Flow

_PLAIN: dict[str, Callable[[Call], nn.Module]] = {
    "Relu": lambda call: nn.ReLU(),
    "LeakyRelu": lambda call: nn.LeakyReLU(float(call.get("alpha", 0.01))),
    "Elu": lambda call: nn.ELU(float(call.get("alpha", 1.0))),
    "Celu": lambda call: nn.CELU(float(call.get("alpha", 1.0))),
    "Sigmoid": lambda call: nn.Sigmoid(),
    "Tanh": lambda call: nn.Tanh(),
    "Softplus": lambda call: nn.Softplus(),
    "Softsign": lambda call: nn.Softsign(),
    "HardSwish": lambda call: nn.Hardswish(),
    "Mish": lambda call: nn.Mish(),
    "Gelu": lambda call: nn.GELU(str(call.get("approximate", "none"))),
    **dict.fromkeys(("Abs", "Neg", "Exp", "Log", "Sqrt", "Reciprocal", "Erf", "Floor", "Ceil", "Round", "Sign", "Sin", "Cos"),
                    lambda call: layers.Pointwise(call.op.lower())),
}
_SELU = (1.67326319217681884765625, 1.05070102214813232421875)


def plain(sheet: Sheet, call: Call) -> Flow:
    return sheet.layer(call.flow(), _PLAIN[call.op](call), wish(call))


def hard_sigmoid(sheet: Sheet, call: Call) -> Flow:
    slope, middle = float(call.get("alpha", 0.2)), float(call.get("beta", 0.5))
    if math.isclose(slope, 1 / 6, rel_tol=1e-6) and middle == 0.5:
        return sheet.layer(call.flow(), nn.Hardsigmoid(), wish(call))
    return sheet.layer(sheet.layer(call.flow(), layers.Affine(slope, middle), wish(call)), layers.Clamp(0.0, 1.0), wish(call))


def selu(sheet: Sheet, call: Call) -> Flow:
    alpha, gamma = float(call.get("alpha", _SELU[0])), float(call.get("gamma", _SELU[1]))
    if math.isclose(alpha, _SELU[0], rel_tol=1e-5) and math.isclose(gamma, _SELU[1], rel_tol=1e-5):
        return sheet.layer(call.flow(), nn.SELU(), wish(call))
    return sheet.layer(sheet.layer(call.flow(), nn.ELU(alpha), wish(call)), layers.Affine(gamma, 0.0), wish(call))


def swish(sheet: Sheet, call: Call) -> Flow:
    alpha, flow, name = float(call.get("alpha", 1.0)), call.flow(), wish(call)
    if alpha == 1.0:
        return sheet.layer(flow, nn.SiLU(), name)
    gate = sheet.layer(sheet.layer(flow, layers.Affine(alpha, 0.0), name), nn.Sigmoid(), name)
    return sheet.function("mul", [flow, gate], name)


def clip(sheet: Sheet, call: Call) -> Flow:
    return sheet.layer(call.flow(), clamp(call.number("min", 1), call.number("max", 2)), wish(call))


def clamp(least: float | None, most: float | None) -> nn.Module:
    """The layer that holds numbers between two bounds, by its usual name where it has one. Float32's ends are no bounds."""
    low = None if least is None or least <= -3.4e38 else float(least)
    high = None if most is None or most >= 3.4e38 else float(most)
    match (low, high):
        case (None, None):
            return nn.Identity()
        case (0.0, None):
            return nn.ReLU()
        case (0.0, 6.0):
            return nn.ReLU6()
    return layers.Clamp(low, high)


def prelu(sheet: Sheet, call: Call) -> Flow:
    """One slope for all, one for each channel, or (without a word in torch) one for each place."""
    flow, slope, name = call.flow(), call.array(1), wish(call, 1)
    sides = slope.shape[max(0, slope.ndim - len(flow.shape)) :]
    if slope.size == 1:
        return sheet.layer(flow, bare(nn.PReLU, 1), name, weight=slope.reshape(1))
    if len(sides) == len(flow.shape) and slope.size == sides[0] == flow.shape[0]:
        return sheet.layer(flow, bare(nn.PReLU, slope.size), name, weight=slope.reshape(-1))
    if slope.ndim > len(sides) and slope.size != math.prod(sides):
        raise call.mixed("has another slope for every sample of a batch")
    below = sheet.layer(flow, layers.Clamp(None, 0.0), f"{name}_below")
    below = sheet.layer(below, bare(layers.Scale, sides), name, weight=slope.reshape(sides))
    return sheet.function("add", [sheet.layer(flow, nn.ReLU(), f"{name}_above"), below], f"{name}_add")


def softmax(sheet: Sheet, call: Call) -> Flow:
    """Before opset 13 all axes from the given one on were taken as one."""
    flow, rank = call.flow(), len(call.flow().shape) + 1
    kind = nn.Softmax if call.op == "Softmax" else nn.LogSoftmax
    axis = call.axis(int(call.get("axis", -1 if call.opset >= 13 else 1)), rank)
    if axis == 0:
        raise call.mixed()
    if call.opset >= 13 or max(flow.shape[axis - 1 :]) == _count(flow, axis):
        places = [place for place in range(axis, rank) if flow.shape[place - 1] > 1]
        dim = axis if call.opset >= 13 or not places else places[0]
        return sheet.layer(flow, kind(dim), wish(call))
    flat = reshaped(sheet, flow, (*flow.shape[: axis - 1], _count(flow, axis)), f"{wish(call)}_flat")
    return reshaped(sheet, sheet.layer(flat, kind(axis), wish(call)), flow.shape, f"{wish(call)}_shape")


def _count(flow: Flow, axis: int) -> int:
    return math.prod(flow.shape[axis - 1 :])


def dropout(sheet: Sheet, call: Call) -> Flow:
    call.reads_only()
    ratio = float(call.number("ratio", 1, 0.5))
    if not 0 <= ratio < 1:
        raise call.refuse(f"drops a share of {ratio}")
    return sheet.layer(call.flow(), nn.Dropout(ratio), wish(call))


def passed(sheet: Sheet, call: Call) -> Flow:
    return call.flow()


def cast(sheet: Sheet, call: Call) -> Flow:
    """Results stay in floating point; which one, the network decides."""
    if call.op == "Cast" and int(call.get("to", 0)) not in (1, 11):
        raise call.refuse("turns results into another type of numbers than float32")
    return call.flow()


ACTIVATING = {
    **dict.fromkeys(_PLAIN, plain), "HardSigmoid": hard_sigmoid, "Selu": selu, "Swish": swish, "Clip": clip, "PRelu": prelu,
    "Softmax": softmax, "LogSoftmax": softmax, "Dropout": dropout, "Identity": passed, "Cast": cast,
}
