"""A network as pure JSON data and back: no architecture code, no pickled class, a closed white list."""

from __future__ import annotations

import keyword
import re
from typing import Any

import torch
from torch import fx, nn

from worker.dnn import kinds

Spec = dict[str, Any]

MOST_NODES = 5000
_NAME = re.compile(r"(?!.*__)[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
RESERVED = frozenset(dir(fx.GraphModule(nn.Module(), fx.Graph()))) | {"self", *keyword.kwlist}


def name_of(node: fx.Node) -> str:
    """What a node is called: its layer's dotted name, or the node's own for inputs and functions."""
    return str(node.target) if node.op == "call_module" else node.name


def layer_of(network: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The torch layer that a node calls; None for inputs, functions and the output."""
    return module_at(network, str(node.target)) if node.op == "call_module" else None


def module_at(network: nn.Module, name: str) -> nn.Module:
    """The module of a dotted name, without the questions that `get_submodule` asks of each part: ten times faster."""
    for part in name.split("."):
        network = network._modules[part]  # type: ignore[assignment]
    return network


def layers_of(network: fx.GraphModule) -> list[tuple[str, nn.Module]]:
    """The layers that are called, each with its dotted name, in the order of the calls."""
    names = dict.fromkeys(str(node.target) for node in network.graph.nodes if node.op == "call_module")
    return [(name, module_at(network, name)) for name in names]


def sources(node: fx.Node) -> list[fx.Node]:
    """What a node reads, in the order of the call: x + x reads x twice."""
    args: Any = node.args[0] if node.target is torch.cat else node.args
    return [source for source in args if isinstance(source, fx.Node)]


def to_spec(network: fx.GraphModule) -> Spec:
    """The network as JSON: {"nodes": [{name, op, kind, arguments, inputs}, ...]}, without its weights.

    Raises ValueError, naming the node and its op, for anything that is not in the internal form.
    """
    nodes = [_to_entry(network, node) for node in network.graph.nodes]
    names = [node["name"] for node in nodes]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise ValueError(f"The layer {twice} is called more than once; shared weights are not supported.")
    _one_way_through(nodes)
    return {"version": 1, "nodes": nodes}


def _to_entry(network: fx.GraphModule, node: fx.Node) -> Spec:
    entry: Spec = {"name": name_of(node), "op": node.op, "kind": "", "arguments": {}, "inputs": []}
    entry["inputs"] = [name_of(source) for source in node.all_input_nodes]
    if node.op == "call_module":
        layer = module_at(network, str(node.target))
        given = kinds.check(layer, name=name_of(node))
        return entry | {"op": "layer", "kind": type(layer).__name__, "arguments": given}
    if node.op == "call_function" and node.target in kinds.FUNCTION_NAMES:
        return entry | {"op": "function", "kind": kinds.FUNCTION_NAMES[node.target]} | _function_inputs(node)
    if node.op in ("placeholder", "output") and len(node.all_input_nodes) == (node.op == "output"):
        return entry | {"op": "input" if node.op == "placeholder" else "output"}
    raise ValueError(f"The node {node.name} ({node.op} {_told(node.target)}) is not something this portal knows.")


def _told(target: Any) -> str:
    return str(getattr(target, "__name__", target))


def _function_inputs(node: fx.Node) -> Spec:
    """Inputs in the order of the call, so that x + x keeps both; only tensors are taken, no scalars."""
    sources = node.args[0] if node.target is torch.cat else node.args
    if not isinstance(sources, tuple | list) or not all(isinstance(source, fx.Node) for source in sources):
        raise ValueError(f"The node {node.name} ({_told(node.target)}) works on something else than tensors.")
    inputs = [name_of(source) for source in sources if isinstance(source, fx.Node)]
    arguments = dict(node.kwargs)
    if arguments.get("dim") == -3:
        arguments["dim"] = 1  # files of the first version speak of images only
    if not _has_fitting_arguments(kinds.FUNCTION_NAMES[node.target], arguments) or len(inputs) < 2:  # type: ignore[index]
        raise ValueError(f"The node {node.name} ({_told(node.target)}) has arguments this portal does not know.")
    return {"inputs": inputs, "arguments": arguments}


def _has_fitting_arguments(kind: str, arguments: Any) -> bool:
    """Only cat has one, the axis that it joins: never the batch axis."""
    if kind != "cat":
        return bool(arguments == {})
    dim = arguments.get("dim")
    return set(arguments) == {"dim"} and type(dim) is int and 1 <= dim <= kinds.MOST_AXES


def from_spec(spec: Spec, *, device: str = "cpu") -> fx.GraphModule:
    """The network a spec describes, in evaluation mode, its weights all zero (or without memory on "meta").

    Raises ValueError in one sentence for anything that is not on the white list.
    """
    nodes = _checked(spec)
    others = {entry["name"] for entry in nodes if entry["op"] != "layer"}
    graph, made, layers = fx.Graph(), dict[str, fx.Node](), dict[str, nn.Module]()
    for entry in nodes:
        sources = _sources(entry, made)
        if entry["op"] == "layer":
            layers[entry["name"]] = kinds.make(entry["kind"], entry["arguments"], name=entry["name"])
        made[entry["name"]] = _to_node(graph, entry, sources, others)
    network = fx.GraphModule(layers, graph)
    if device != "meta":
        embody(network, device)
        for tensor in (*network.parameters(), *network.buffers()):
            tensor.detach().zero_()
    return network.eval()


def embody(network: nn.Module, device: str = "cpu") -> None:
    """Memory for tensors that had none, its contents undefined. torch's `to_empty` would load SymPy for it: a second."""
    for layer in network.modules():
        for name, parameter in layer._parameters.items():
            if parameter is not None:
                empty = torch.empty(parameter.shape, dtype=parameter.dtype, device=device)
                layer._parameters[name] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
        for name, buffer in layer._buffers.items():
            if buffer is not None:
                layer._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device=device)


def _to_node(graph: fx.Graph, entry: Spec, sources: list[fx.Node], others: set[str]) -> fx.Node:
    """A function's name is its node's; a layer's node may be called anything that leaves functions theirs."""
    name = entry["name"]
    match entry["op"]:
        case "input":
            return graph.create_node("placeholder", name, name=name)
        case "layer":
            flat = name.replace(".", "_")
            own = f"{flat}_layer" if flat in others else flat
            return graph.create_node("call_module", name, tuple(sources), name=own)
        case "output":
            return graph.create_node("output", "output", (sources[0],), name=name)
    function = kinds.FUNCTIONS[entry["kind"]]
    if function is torch.cat:
        return graph.create_node("call_function", function, (tuple(sources),), dict(entry["arguments"]), name=name)
    return graph.create_node("call_function", function, tuple(sources), name=name)


def _checked(spec: Any) -> list[Spec]:
    if not isinstance(spec, dict) or spec.get("version") != 1 or not isinstance(spec.get("nodes"), list):
        raise ValueError("The description of the network is not of a version this portal knows.")
    nodes: list[Spec] = spec["nodes"]
    if len(nodes) > MOST_NODES:
        raise ValueError(f"The network has {len(nodes)} nodes; at most {MOST_NODES} are taken.")
    for entry in nodes:
        _check_entry(entry)
    _check_names([entry["name"] for entry in nodes])
    _one_way_through(nodes)
    return nodes


_FIELDS = {"name": str, "op": str, "kind": str, "arguments": dict, "inputs": list}


def _check_entry(entry: Any) -> None:
    if not isinstance(entry, dict) or set(entry) != set(_FIELDS):
        raise ValueError("A node of the network is not described by name, op, kind, arguments and inputs.")
    if not all(isinstance(entry[field], type_) for field, type_ in _FIELDS.items()):
        raise ValueError("A node of the network has a field of the wrong type.")
    name, op, kind = entry["name"], entry["op"], entry["kind"]
    if len(name) > 200 or not _NAME.fullmatch(name):
        raise ValueError(f"The node {name[:40]!r} has a name that is not made of letters, digits, _ and dots.")
    if op not in ("input", "layer", "function", "output"):
        raise ValueError(f"The node {name} has the op {op[:40]!r}, which this portal does not know.")
    if op == "function" and kind not in kinds.FUNCTIONS:
        raise ValueError(f"The node {name} is the function {kind[:40]!r}, which this portal does not know.")
    if op == "function" and not _has_fitting_arguments(kind, entry["arguments"]):
        raise ValueError(f"The node {name} ({kind}) has arguments this portal does not know.")
    if op in ("input", "function") and not name.isidentifier():
        raise ValueError(f"The node {name} has a name that only a layer may have.")  # It stands in the code that fx writes.


def _check_names(names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError("Two nodes of the network have the same name.")
    taken = set(names)
    for name in names:
        parts = name.split(".")
        if RESERVED.intersection(parts):
            raise ValueError(f"The node {name} has a name that torch keeps for itself.")
        if any(".".join(parts[:end]) in taken for end in range(1, len(parts))):
            raise ValueError(f"The node {name} lies inside another layer.")


def _one_way_through(nodes: list[Spec]) -> None:
    """One input first, one output last."""
    ops = [node["op"] for node in nodes]
    if ops.count("input") != 1 or ops.count("output") != 1 or ops[0] != "input" or ops[-1] != "output":
        raise ValueError("The network must have exactly one input and one output.")


_ARITY = {"input": (0, 0), "layer": (1, 1), "output": (1, 1), "cat": (2, 1000)}


def _sources(entry: Spec, made: dict[str, fx.Node]) -> list[fx.Node]:
    unknown = [source for source in entry["inputs"] if not isinstance(source, str) or source not in made]
    if unknown:
        raise ValueError(f"The node {entry['name']} reads from a node that does not stand before it.")
    least, most = _ARITY.get(entry["op"], _ARITY.get(entry["kind"], (2, 2)))
    if not least <= len(entry["inputs"]) <= most:
        raise ValueError(f"The node {entry['name']} has the wrong number of inputs.")
    return [made[source] for source in entry["inputs"]]
