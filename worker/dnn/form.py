"""The internal form: an fx GraphModule of standard torch.nn layers in topological order, and a few functions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from worker.dnn import arithmetic, calls, kinds
from worker.dnn.assembly import placed, shared
from worker.dnn.cutting import cut
from worker.dnn.inplace import again, make_plain
from worker.dnn.placing import become, chain, fresh
from worker.dnn.spec import from_spec, layer_of, layers_of, module_at, name_of, to_spec

__all__ = ["from_spec", "layer_of", "name_of", "to_spec", "trace"]

_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{way: kinds.FUNCTIONS[name] for way, name in arithmetic.FUNCTIONS.items() if name in kinds.FUNCTIONS},
    torch.maximum: torch.maximum, torch.minimum: torch.minimum,
    operator.matmul: torch.matmul, torch.matmul: torch.matmul, torch.bmm: torch.matmul, "matmul": torch.matmul,
    torch.cat: torch.cat, torch.concat: torch.cat,
}


class _Tracer(fx.Tracer):
    """Layers of the white list stay layers, the house's own as well as torch's."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in kinds.MODULES or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """As fx does it, without the notes on where a node comes from, which nobody here reads and half of the time goes to."""
        name = self.path_of_module(m)
        if self.is_leaf_module(m, name):
            return self.create_proxy("call_module", name, args, kwargs)
        return forward(*args, **kwargs)

    def create_node(self, kind: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
                    name: str | None = None, type_expr: Any = None) -> fx.Node:
        """As fx does it, without the notes and searches that nobody here needs."""
        return placed(self.graph, kind, target, args, kwargs, name)

    def create_arg(self, a: Any) -> Any:
        """What nearly every argument is first: something traced, or several of it."""
        if type(a) is fx.Proxy:
            return a.node
        if type(a) is tuple and all(type(each) is fx.Proxy for each in a):
            return tuple(each.node for each in a)
        return super().create_arg(a)


def trace(module: nn.Module, *, runnable: bool = True) -> fx.GraphModule:
    """The internal form of a torch module; layers and their tensors are shared with it, not copied.

    What is only to be cut or written need not be `runnable`: generating its code takes a quarter of the time. Raises
    ValueError, naming the node and its op, when something is not on the white list of `kinds`.
    """
    graph = _Tracer().trace(module)
    network = shared(module, graph)
    make_plain(network)
    _by_their_twins(network)
    for node in list(graph.nodes):
        if node.op in ("call_function", "call_method"):
            _normalise(network, node)
    _drop_dead(network)
    _one_layer_a_call(network)
    _names_apart(network)
    to_spec(network)
    if runnable:
        network.recompile()
    return network


def _drop_dead(network: fx.GraphModule) -> None:
    """Without what nobody reads, and without layers that nobody calls."""
    if not all(node.users for node in network.graph.nodes if node.op != "output"):
        network.graph.eliminate_dead_code()
    called = {str(node.target) for node in network.graph.nodes if node.op == "call_module"}
    if any(name not in called for name, layer in network.named_modules() if not layer._modules and name):
        network.delete_all_unused_submodules()


def _by_their_twins(network: fx.GraphModule) -> None:
    """Layers that another layer says as well are replaced by it."""
    for name, layer in layers_of(network):
        if type(layer) in calls.TWINS:
            network.set_submodule(name, calls.TWINS[type(layer)](layer).train(layer.training))


def _normalise(network: fx.GraphModule, node: fx.Node) -> None:
    if node.target in arithmetic.FUNCTIONS and _with_constant(network, node):
        return
    if node.target in _FUNCTIONS:
        node.op, node.target = "call_function", _FUNCTIONS[node.target]
        _plain_arguments(node)
    elif node.target in (torch.mean, "mean") and _is_global_pool(node):
        _pool_globally(network, node)
    elif node.target in calls.NOTHING:
        node.replace_all_uses_with(node.all_input_nodes[0])
    elif node.target in calls.LAYERS:
        become(network, node, calls.LAYERS[node.target], node.args[1:], dict(node.kwargs))
    else:
        cut(network, node)


def _with_constant(network: fx.GraphModule, node: fx.Node) -> bool:
    """Whether it was an operation with a number or with one of the module's tensors, and is layers now."""
    name, sides = arithmetic.FUNCTIONS[node.target], _sides(node)
    if len(sides) != 2 or len(node.args) + len(node.kwargs) != 2:
        return False
    made = arithmetic.with_number(name, *sides)
    owned = [_owned(network, side) for side in sides]
    if made is None and sum(tensor is not None for tensor in owned) == 1:
        swapped = owned[0] is not None
        made = arithmetic.with_tensor(name, owned[0] if swapped else owned[1], swapped=swapped)  # type: ignore[arg-type]
        sides = [sides[1] if swapped else sides[0], sides[0] if swapped else sides[1]]
    if made is None:
        return False
    source = next(side for side in sides if isinstance(side, fx.Node))
    own = next((str(side.target) for side in sides if isinstance(side, fx.Node) and side.op == "get_attr"), node.name)
    chain(network, node, source, made, own)
    return True


def _owned(network: fx.GraphModule, side: Any) -> Tensor | None:
    """The tensor of the module's own that a side is, if nothing else reads it."""
    if not isinstance(side, fx.Node) or side.op != "get_attr" or len(side.users) > 1:
        return None
    path, _, name = str(side.target).rpartition(".")
    found = getattr(network.get_submodule(path), name, None)
    return found if isinstance(found, Tensor) else None


def _sides(node: fx.Node) -> list[Any]:
    return [*node.args, *(node.kwargs[name] for name in ("input", "other", "exponent") if name in node.kwargs)]


def _plain_arguments(node: fx.Node) -> None:
    """Functions take their tensors by position; only cat has a named argument, its dimension."""
    if node.target is torch.cat:
        tensors = node.args[0] if node.args else node.kwargs["tensors"]
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        node.args, node.kwargs = (tuple(tensors),), {"dim": dim}  # type: ignore[arg-type]
    elif set(node.kwargs) <= {"input", "other"}:
        node.args, node.kwargs = tuple(_sides(node)), {}


def _is_global_pool(node: fx.Node) -> bool:
    dims = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    return isinstance(dims, list | tuple) and {int(dim) % 4 for dim in dims if isinstance(dim, int)} == {2, 3}


def _pool_globally(network: fx.GraphModule, node: fx.Node) -> None:
    keeps = bool(node.args[2] if len(node.args) > 2 else node.kwargs.get("keepdim", False))
    source = node.args[0] if node.args else node.kwargs["input"]
    chain(network, node, source, [nn.AdaptiveAvgPool2d(1), *([] if keeps else [nn.Flatten()])], node.name)  # type: ignore[arg-type]


def _one_layer_a_call(network: fx.GraphModule) -> None:
    """A layer without parameters that is called again becomes a second layer; one with parameters is refused later."""
    seen: set[str] = set()
    for node in network.graph.nodes:
        if node.op != "call_module":
            continue
        layer = module_at(network, str(node.target))
        if node.target in seen and type(layer) in kinds.MODULES and not list(layer.parameters()):
            name = fresh(network, node.name)
            network.add_submodule(name, again(layer))
            node.target = name
        seen.add(str(node.target))


def _names_apart(network: fx.GraphModule) -> None:
    """A function must not be called like a layer."""
    layers = {name_of(node) for node in network.graph.nodes if node.op == "call_module"}
    for node in network.graph.nodes:
        while node.op != "call_module" and node.name in layers:
            node._rename(f"{node.name}_node")
