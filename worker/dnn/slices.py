"""A network in two: a head that ends behind a layer, and a tail that goes on from there. Together they answer as the whole."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from torch import fx

from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import layer_of, name_of

MOST_NAMED = 6


class Slice(NamedTuple):
    """A network of its own and the sample that it takes. Its layers and tensors are those of the whole, not copies."""

    network: fx.GraphModule
    in_shape: Shape


class Halves(NamedTuple):
    head: Slice
    tail: Slice


def split(network: fx.GraphModule, in_shape: Shape, after: str) -> Halves:
    """Head and tail of a cut behind the layer `after`, across which exactly its result goes.

    Raises ValueError in one sentence: no such layer, nothing behind it, or other results that the tail would need as well.
    """
    sizes = shapes(network, in_shape)
    place = _place(network, after)
    head = _needed([place])
    tail = [node for node in _needed([_answer(network)]) if node not in head]
    _crosses_alone(place, tail)
    return Halves(_first_part(network, in_shape, head, place), _second_part(network, sizes[place.name], place, tail))


def crossing(place: fx.Node, tail: Iterable[fx.Node]) -> list[fx.Node]:
    """What the tail reads and does not make itself, in the order of its reading."""
    own = set(tail)
    return list(dict.fromkeys(source for node in tail for source in node.all_input_nodes if source not in own))


def _place(network: fx.GraphModule, after: str) -> fx.Node:
    places: dict[str, fx.Node] = {name_of(node): node for node in network.graph.nodes if node.op.startswith("call_")}
    if after not in places:
        close = get_close_matches(after, places, n=3)
        raise ValueError(f"The network has no layer {after[:100]!r} to be cut behind" + (
            f"; it has {', '.join(close)}." if close else "."))
    return places[after]


def _answer(network: fx.GraphModule) -> fx.Node:
    last: fx.Node = list(network.graph.nodes)[-1]
    return last


def _needed(ends: list[fx.Node]) -> dict[fx.Node, None]:
    """The nodes that these are made from, themselves included, in the order in which they run."""
    found, open_ends = set(ends), list(ends)
    while open_ends:
        fresh = [source for source in open_ends.pop().all_input_nodes if source not in found]
        found.update(fresh)
        open_ends += fresh
    return {node: None for node in ends[0].graph.nodes if node in found}


def _crosses_alone(place: fx.Node, tail: list[fx.Node]) -> None:
    across = crossing(place, tail)
    if place not in across:
        raise ValueError(f"Nothing of the network reads the result of {name_of(place)}: there is nothing to be cut.")
    if len(tail) == 1:
        raise ValueError(f"Behind {name_of(place)} the network ends: its tail would be empty.")
    if len(across) > 1:
        named = ", ".join(name_of(node) for node in across[:MOST_NAMED])
        more = f" and {len(across) - MOST_NAMED} more" if len(across) > MOST_NAMED else ""
        raise ValueError(f"A cut behind {name_of(place)} parts {len(across)} results, {named}{more}; a slice takes one.")


def _first_part(network: fx.GraphModule, in_shape: Shape, nodes: Iterable[fx.Node], place: fx.Node) -> Slice:
    graph, copied = fx.Graph(), dict[fx.Node, fx.Node]()
    for node in nodes:
        copied[node] = graph.node_copy(node, copied.__getitem__)
    graph.output(copied[place])
    return Slice(_network(network, graph), tuple(in_shape))


def _second_part(network: fx.GraphModule, in_shape: Shape, place: fx.Node, nodes: list[fx.Node]) -> Slice:
    graph = fx.Graph()
    copied = {place: graph.placeholder(_fresh(nodes))}
    for node in nodes:
        copied[node] = graph.node_copy(node, copied.__getitem__)
    return Slice(_network(network, graph), in_shape)


def _fresh(nodes: list[fx.Node]) -> str:
    """A name for the tail's input that no layer and no node of it has."""
    taken = {name for node in nodes for name in (node.name, name_of(node).partition(".")[0])}
    return next(name for number in range(len(taken) + 1) if (name := f"x_{number}" if number else "x") not in taken)


def _network(network: fx.GraphModule, graph: fx.Graph) -> fx.GraphModule:
    layers = {name_of(node): layer for node in graph.nodes if (layer := layer_of(network, node)) is not None}
    part = fx.GraphModule(layers, graph)
    part.training = network.training
    return part
