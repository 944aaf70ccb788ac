"""In-place operations made plain: whoever reads the changed tensor later reads the operation's result instead."""

from __future__ import annotations

import operator
from typing import Any

from torch import fx, nn

from worker.dnn import kinds
from worker.dnn.spec import layers_of, module_at

_FUNCTIONS: frozenset[Any] = frozenset({
    operator.iadd, operator.isub, operator.imul, operator.itruediv,
    "add_", "sub_", "mul_", "div_", "pow_", "relu_", "clamp_", "sigmoid_", "tanh_",
})


def make_plain(network: fx.GraphModule) -> None:
    """Same answers, no tensor overwritten. The layers replaced are new; those of the original stay as they are.

    `x += y` is traced by fx as x = x + y already; another name for the old x is the one case it cannot see.
    """
    order = {node: position for position, node in enumerate(network.graph.nodes)}
    for node in network.graph.nodes:
        if not _overwrites(network, node) or not node.all_input_nodes:
            continue
        source = node.all_input_nodes[0]
        for reader in [user for user in source.users if order[user] > order[node]]:
            reader.replace_input_with(source, node)
    for name, layer in layers_of(network):
        if layer.__dict__.get("inplace") and type(layer) in kinds.MODULES:
            network.set_submodule(name, again(layer))


def again(layer: nn.Module) -> nn.Module:
    """A layer without parameters made once more, not in place."""
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in kinds.arguments(layer).items()}
    return type(layer)(**given).train(layer.training)


def _overwrites(network: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        return bool(module_at(network, str(node.target)).__dict__.get("inplace"))
    return node.target in _FUNCTIONS or node.kwargs.get("inplace") is True
