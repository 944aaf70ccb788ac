"""In-place operations made plain: whoever reads the changed tensor later reads the operation's result instead."""

from __future__ import annotations

import operator
from typing import Any

from torch import fx, nn

from worker.dnn import kinds

_FUNCTIONS: frozenset[Any] = frozenset({operator.iadd, operator.isub, operator.imul, "add_", "sub_", "mul_", "relu_"})


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
    for name, layer in list(network.named_modules()):
        if getattr(layer, "inplace", False) and type(layer) in kinds.MODULES:
            network.set_submodule(name, again(layer))


def again(layer: nn.Module) -> nn.Module:
    """A layer without parameters made once more, not in place."""
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in kinds.arguments(layer).items()}
    return type(layer)(**given).train(layer.training)


def _overwrites(network: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        return bool(getattr(network.get_submodule(str(node.target)), "inplace", False))
    return node.target in _FUNCTIONS or node.kwargs.get("inplace") is True
