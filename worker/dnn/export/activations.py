"""Layers that change each number by itself, and soft maxima."""

from __future__ import annotations

from torch import nn

from worker.dnn import layers
from worker.dnn.export.operators import GIVEN, IT, NOTHING, Chain, Operator, number
from worker.dnn.shapes import Shape

_PLAIN: dict[type[nn.Module], str] = {
    nn.ReLU: "Relu", nn.Sigmoid: "Sigmoid", nn.Tanh: "Tanh", nn.Hardswish: "HardSwish", nn.Softplus: "Softplus",
    nn.Softsign: "Softsign", nn.SELU: "Selu", nn.Identity: "Identity", nn.Dropout: "Identity",
}
_TIMES_GIVEN = Operator("Mul", reads=(GIVEN, IT))


def said(layer: nn.Module, before: Shape, after: Shape) -> Chain | None:
    if type(layer) in _PLAIN:
        return [Operator(_PLAIN[type(layer)])]
    match layer:
        case nn.SiLU():
            return [Operator("Sigmoid"), _TIMES_GIVEN]
        case nn.Mish():
            return [Operator("Softplus"), Operator("Tanh"), _TIMES_GIVEN]
        case layers.Pointwise():
            return [Operator(layer.function.capitalize())]
        case layers.Affine():
            return _affine(layer)
        case layers.Power():
            return [Operator("Pow", tensors={"exponent": number(layer.exponent)})]
    one = _with_numbers(layer)
    return None if one is None else [one]


def _with_numbers(layer: nn.Module) -> Operator | None:
    match layer:
        case nn.ReLU6():
            return _clipped(0.0, 6.0)
        case layers.Clamp():
            return _clipped(layer.least, layer.most)
        case nn.LeakyReLU():
            return Operator("LeakyRelu", {"alpha": layer.negative_slope})
        case nn.ELU():
            return Operator("Elu", {"alpha": layer.alpha})
        case nn.CELU():
            return Operator("Celu", {"alpha": layer.alpha})
        case nn.GELU():
            return Operator("Gelu", {"approximate": layer.approximate}, since=20)
        case nn.Hardsigmoid():
            return Operator("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5})
        case nn.Softmax() | nn.LogSoftmax() if layer.dim is not None:
            return Operator(type(layer).__name__, {"axis": layer.dim})
    return None


def _clipped(least: float | None, most: float | None) -> Operator:
    bounds = {name: number(value) for name, value in (("least", least), ("most", most)) if value is not None}
    return Operator("Clip", tensors=bounds, reads=(IT, *(name if name in bounds else NOTHING for name in ("least", "most"))))


def _affine(layer: layers.Affine) -> Chain:
    chain = [Operator("Mul", tensors={"scale": number(layer.scale)})] if layer.scale != 1 else []
    chain += [Operator("Add", tensors={"shift": number(layer.shift)})] if layer.shift else []
    return chain or [Operator("Identity")]
