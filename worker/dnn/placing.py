"""Putting layers into a graph in place of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import fx, nn


def become(
    network: fx.GraphModule, node: fx.Node, make: Callable[..., nn.Module], args: Any, kwargs: dict[str, Any]
) -> None:
    """Turn a function call into a call of a layer of its own, named after the node."""
    kwargs.pop("input", None)
    source = node.args[0] if node.args else node.kwargs["input"]
    try:
        layer = make(*args, **kwargs)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The call {node.name} ({node.target}) has arguments this portal does not know.") from error
    chain(network, node, source, [layer], node.name)  # type: ignore[arg-type]


def chain(network: fx.GraphModule, node: fx.Node, source: fx.Node, made: list[nn.Module], name: str) -> None:
    """Turn a node into calls of one layer behind the other; the last one keeps the node, the first one's name is wished for.

    The name may be that of a tensor whose place the layer takes.
    """
    for layer in made[:-1]:
        with network.graph.inserting_before(node):
            source = network.graph.call_module(_added(network, f"{node.name}_before", layer), (source,))
    node.op, node.target, node.args, node.kwargs = "call_module", _added(network, name, made[-1]), (source,), {}


def _added(network: fx.GraphModule, wish: str, layer: nn.Module) -> str:
    path, _, last = wish.rpartition(".")
    owner = network.get_submodule(path)
    name = wish
    if last in owner._parameters or last in owner._buffers:
        delattr(owner, last)
    elif hasattr(owner, last):
        name = fresh(network, wish.replace(".", "_"))
    network.add_submodule(name, layer.train(network.training))
    return name


def fresh(network: fx.GraphModule, wish: str) -> str:
    """A name that nothing in the network has."""
    name, number = wish, 1
    while hasattr(network, name):
        name, number = f"{wish}_{number}", number + 1
    return name
