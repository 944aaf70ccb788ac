"""A network put together from layers and a graph, its code generated once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import fx, nn

from worker.dnn.spec import module_at


def assembled(layers: Mapping[str, nn.Module], graph: fx.Graph, *, training: bool) -> fx.GraphModule:
    """The network of a graph whose layers are given by their dotted names; they are taken as they are, not copied.

    `fx.GraphModule(layers, graph)` does the same, but sets every attribute the long way round: half as fast.
    """
    network = filled(layers, training=training)
    network.graph = graph
    return network


def shared(module: nn.Module, graph: fx.Graph) -> fx.GraphModule:
    """The network of a graph that was traced from this module, its layers and all; its code waits for `recompile`."""
    if any(node.op == "get_attr" for node in graph.nodes):
        return fx.GraphModule(module, graph)
    names = dict.fromkeys(str(node.target) for node in graph.nodes if node.op == "call_module")
    network = filled({name: module_at(module, name) for name in names}, training=module.training)
    network._graph = graph  # as its property does, less the code, which is not the last
    graph.owning_module = network
    return network


def filled(layers: Mapping[str, nn.Module], *, training: bool) -> fx.GraphModule:
    """A network with these layers and an empty graph."""
    network = fx.GraphModule(nn.Module(), fx.Graph())
    insides: dict[str, nn.Module] = {"": network}
    for name, layer in layers.items():
        above, _, own = name.rpartition(".")
        _inside(insides, above)._modules[own] = layer
    network.training = training
    return network


def _inside(insides: dict[str, nn.Module], name: str) -> nn.Module:
    """The module of that dotted name, made with those above it."""
    found = insides.get(name)
    if found is None:
        above, _, own = name.rpartition(".")
        found = insides[name] = _inside(insides, above)._modules[own] = nn.Module()
    return found


def placed(graph: fx.Graph, op: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str | None) -> fx.Node:
    """A node at the graph's end. Given to `create_node`, its arguments would be searched for symbolic sizes, which the
    internal form cannot hold and which takes as long as all the rest of it."""
    node = graph.create_node(op, target, name=name)
    node._update_args_kwargs(args, kwargs)
    return node
