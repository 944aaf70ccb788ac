"""The internal form: an fx GraphModule of standard torch.nn layers in topological order, and a few functions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from worker.dnn import kinds
from worker.dnn.inplace import again, make_plain
from worker.dnn.spec import from_spec, layer_of, name_of, to_spec

__all__ = ["from_spec", "layer_of", "name_of", "to_spec", "trace"]

_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    operator.add: torch.add, operator.iadd: torch.add, torch.add: torch.add, "add": torch.add, "add_": torch.add,
    operator.sub: torch.sub, operator.isub: torch.sub, torch.sub: torch.sub, "sub": torch.sub, "sub_": torch.sub,
    operator.mul: torch.mul, operator.imul: torch.mul, torch.mul: torch.mul, "mul": torch.mul, "mul_": torch.mul,
    torch.cat: torch.cat, torch.concat: torch.cat,
}
_MODULES: dict[Any, Callable[..., nn.Module]] = {
    **dict.fromkeys((F.relu, torch.relu, "relu", "relu_"), lambda inplace=False: nn.ReLU()),
    **dict.fromkeys((F.relu6,), lambda inplace=False: nn.ReLU6()),
    **dict.fromkeys((F.silu,), lambda inplace=False: nn.SiLU()),
    **dict.fromkeys((F.hardswish,), lambda inplace=False: nn.Hardswish()),
    **dict.fromkeys((torch.sigmoid, F.sigmoid, "sigmoid"), nn.Sigmoid),
    **dict.fromkeys((torch.tanh, F.tanh, "tanh"), nn.Tanh),
    **dict.fromkeys((torch.flatten, "flatten"), lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim)),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), nn.MaxPool2d),
    F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    F.dropout: lambda p=0.5, training=True, inplace=False: nn.Dropout(p),
}


def trace(module: nn.Module) -> fx.GraphModule:
    """The internal form of a torch module; layers and their tensors are shared with it, not copied.

    Raises ValueError, naming the node and its op, when something is not on the white list of `kinds`.
    """
    graph = fx.Tracer().trace(module)
    network = fx.GraphModule(module, graph)
    make_plain(network)
    for node in list(graph.nodes):
        if node.op in ("call_function", "call_method"):
            _normalise(network, node)
    graph.eliminate_dead_code()
    _one_layer_a_call(network)
    _names_apart(network)
    to_spec(network)
    network.delete_all_unused_submodules()
    network.recompile()
    return network


def _normalise(network: fx.GraphModule, node: fx.Node) -> None:
    if node.target in _FUNCTIONS:
        node.op, node.target = "call_function", _FUNCTIONS[node.target]
        _plain_arguments(node)
    elif node.target in _MODULES:
        _become(network, node, _MODULES[node.target], node.args[1:], dict(node.kwargs))
    elif node.target in ("view", "reshape") and len(node.args) == 3 and node.args[2] == -1:
        _become(network, node, nn.Flatten, (), {})
    elif node.target in (torch.mean, "mean") and _is_global_pool(node):
        _pool_globally(network, node)


def _plain_arguments(node: fx.Node) -> None:
    """Functions take their tensors by position; only cat has a named argument, its dimension."""
    if node.target is torch.cat:
        tensors = node.args[0] if node.args else node.kwargs["tensors"]
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        node.args, node.kwargs = (tuple(tensors),), {"dim": dim}  # type: ignore[arg-type]


def _become(
    network: fx.GraphModule, node: fx.Node, make: Callable[..., nn.Module], args: Any, kwargs: dict[str, Any]
) -> None:
    """Turn a function call into a call of a layer of its own, named after the node."""
    kwargs.pop("input", None)
    source = node.args[0] if node.args else node.kwargs["input"]
    try:
        layer = make(*args, **kwargs)
    except TypeError as error:
        raise ValueError(f"The call {node.name} ({node.target}) has arguments this portal does not know.") from error
    name = _fresh(network, node.name)
    network.add_submodule(name, layer.train(network.training))
    node.op, node.target, node.args, node.kwargs = "call_module", name, (source,), {}


def _is_global_pool(node: fx.Node) -> bool:
    dims = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    return isinstance(dims, list | tuple) and {int(dim) % 4 for dim in dims if isinstance(dim, int)} == {2, 3}


def _pool_globally(network: fx.GraphModule, node: fx.Node) -> None:
    keeps = bool(node.args[2] if len(node.args) > 2 else node.kwargs.get("keepdim", False))
    _become(network, node, nn.AdaptiveAvgPool2d, (1,), {})
    if keeps:
        return
    name = _fresh(network, f"{node.name}_flat")
    network.add_submodule(name, nn.Flatten())
    with network.graph.inserting_after(node):
        flat = network.graph.call_module(name, (node,))
    node.replace_all_uses_with(flat, delete_user_cb=lambda user: user is not flat)


def _one_layer_a_call(network: fx.GraphModule) -> None:
    """A layer without parameters that is called again becomes a second layer; one with parameters is refused later."""
    seen: set[str] = set()
    for node in network.graph.nodes:
        if node.op != "call_module":
            continue
        layer = network.get_submodule(str(node.target))
        if node.target in seen and type(layer) in kinds.MODULES and not list(layer.parameters()):
            name = _fresh(network, node.name)
            network.add_submodule(name, again(layer))
            node.target = name
        seen.add(str(node.target))


def _names_apart(network: fx.GraphModule) -> None:
    """A function must not be called like a layer."""
    layers = {name_of(node) for node in network.graph.nodes if node.op == "call_module"}
    for node in network.graph.nodes:
        while node.op != "call_module" and node.name in layers:
            node._rename(f"{node.name}_node")


def _fresh(network: fx.GraphModule, wish: str) -> str:
    name, number = wish, 1
    while hasattr(network, name):
        name, number = f"{wish}_{number}", number + 1
    return name
