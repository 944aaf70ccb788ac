"""Activations recognised by what they compute: a file may spell x * sigmoid(x) in many ways, their values are the same.

Part of a graph that works number by number on one result is a function of one number. Evaluated on a line of numbers in
double precision it is compared with the activations that torch has a layer for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, fx, nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.sheet import Sheet

MOST_INSIDE = 14
MOST_TRIES = 20_000
CLOSE = 1e-6
_ENDS = (layers.Affine, layers.Clamp, layers.Power, layers.Pointwise, nn.ReLU6, nn.Hardsigmoid)
_POINTWISE = (*_ENDS, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.Softplus, nn.Softsign, nn.Sigmoid, nn.Tanh, nn.Identity,
              nn.SiLU)
_BINARY = frozenset((torch.add, torch.sub, torch.mul, torch.div, torch.maximum, torch.minimum))
# Words that end a node's path but say only how one step was computed.
_STEPS = frozenset(("mul", "add", "div", "sub", "sigmoid", "tanh", "erf", "clip", "pow", "max", "min", "softplus", "relu"))


def recognise(sheet: Sheet) -> None:
    """Each such part becomes one layer, the largest parts first."""
    order = {node: place for place, node in enumerate(sheet.graph.nodes)}
    tries = 0
    for end in reversed(list(sheet.graph.nodes)):
        if end.users and _may_end(sheet, end):
            tries += _try(sheet, end, order)
        if tries > MOST_TRIES:
            return


def _may_end(sheet: Sheet, node: fx.Node) -> bool:
    if node.op == "call_function":
        return node.target in _BINARY
    return isinstance(sheet.layers.get(node.name), _ENDS)


def _is_pointwise(sheet: Sheet, node: fx.Node) -> bool:
    return node.target in _BINARY if node.op == "call_function" else isinstance(sheet.layers.get(node.name), _POINTWISE)


def _try(sheet: Sheet, end: fx.Node, order: dict[fx.Node, int]) -> int:
    """Widen the part backwards until it is known, or cannot be a function of one number any more."""
    inside, edge, tries = [end], set(end.all_input_nodes), 0
    while len(inside) <= MOST_INSIDE and 0 < len(edge) <= 4:
        if len(edge) == 1 and len(inside) > 1:
            tries += 1
            root = next(iter(edge))
            layer = _known(_evaluated(sheet, root, sorted(inside, key=order.__getitem__)))
            if layer is not None and sheet.sizes[root.name] == sheet.sizes[end.name]:
                sheet.become(end, root, layer, _named(sheet, end))
                return tries
        last = max(edge, key=order.__getitem__)
        if not _is_pointwise(sheet, last):
            return tries
        edge.remove(last)
        edge.update(last.all_input_nodes)
        inside.append(last)
    return tries


def _evaluated(sheet: Sheet, root: fx.Node, inside: list[fx.Node]) -> Tensor:
    values = {root: _line()}
    for node in inside:
        given = [values[source] for source in node.args if isinstance(source, fx.Node)]
        values[node] = sheet.layers[node.name](*given) if node.op == "call_module" else node.target(*given)  # type: ignore[operator]
    return values[inside[-1]]


@cache
def _line() -> Tensor:
    return torch.linspace(-12.0, 13.0, 487, dtype=torch.float64)


_MEANINGS: tuple[Callable[[], nn.Module], ...] = (
    nn.SiLU, nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.GELU, lambda: nn.GELU("tanh"), nn.Softplus, nn.Softsign, nn.Sigmoid,
    nn.Tanh, nn.ReLU, nn.ReLU6, nn.ELU, nn.SELU,
)


@cache
def _values() -> Tensor:
    return torch.stack([make()(_line()) for make in _MEANINGS])


def _known(values: Tensor) -> nn.Module | None:
    """A layer with these values on the line."""
    far = ((_values() - values).abs() / (1 + _values().abs())).amax(1)
    if bool(far.min() <= CLOSE):
        return _MEANINGS[int(far.argmin())]()
    slope = float(values[0] / _line()[0])
    leaky = nn.LeakyReLU(slope)
    if 0 < slope < 1 and bool(((leaky(_line()) - values).abs() <= CLOSE).all()):
        return leaky
    return None


def _named(sheet: Sheet, end: fx.Node) -> str:
    """The activation is called like the part of the network that was traced as its steps."""
    wish = sheet.wishes[end.name]
    before, _, last = wish.rpartition(".")
    return before if before and last.split("_")[0].lower() in _STEPS else wish
