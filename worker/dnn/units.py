"""A network as a row of units that can be trained one by one, cut where a single result crosses, and a head behind them.

A unit begins with a part that has a weighted layer (a convolution, a linear layer, or a whole residual block or dense layer,
which no single result parts) and takes along what follows without weights of its own: batch-norm, activation, pool. What turns
an image into a row of numbers begins the next unit, so that a unit of images hands on an image. The last weighted part is the
network's own head. Everything is read from the graph alone: uploaded networks are cut as those of the house are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import fx, nn

from worker.dnn.assembly import assembled
from worker.dnn.initialisation import WEIGHTED
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import layer_of, name_of

FEWEST = 1
GATHERING = (nn.Flatten, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d)
BATCH_NORM = nn.BatchNorm1d | nn.BatchNorm2d


class NoUnits(ValueError):
    """A network that cannot be parted into units; the message says why."""


@dataclass(frozen=True)
class Unit:
    """A part of the network; its layers and tensors are those of the whole, not copies. Shapes are of one sample."""

    name: str
    network: fx.GraphModule
    in_shape: Shape
    out_shape: Shape


@dataclass(frozen=True)
class Units:
    """The units in their order, and the network's own head: what leads from the last unit's result to the answer."""

    units: tuple[Unit, ...]
    head: Unit

    @property
    def in_shape(self) -> Shape:
        return self.units[0].in_shape

    @property
    def classes(self) -> int:
        return self.head.out_shape[0]


@dataclass
class _Part:
    """Nodes between two cuts, `shape` being the result that crosses behind them."""

    nodes: list[fx.Node]
    shape: Shape
    weighted: bool
    gathers: bool


def units(network: fx.GraphModule, in_shape: Shape) -> Units:
    """The units of a network; NoUnits where it has none: one weighted part only, or answers that are no row of numbers."""
    parts = _parts(network, tuple(in_shape))
    starts = _starts(parts)
    if len(starts) < FEWEST + 1:
        raise NoUnits("The network cannot be trained unit by unit: there is no place behind its first weighted layer and before "
                      "its last where a single result crosses.")
    if len(parts[-1].shape) != 1:
        told = "x".join(map(str, parts[-1].shape))
        raise NoUnits(f"The network cannot be trained unit by unit: it answers with {told} numbers an image, not with one for "
                      "each class.")
    made = list(_made(network, tuple(in_shape), parts, [0, *starts[1:], len(parts)]))
    return Units(tuple(made[:-1]), made[-1])


def has_batch_norm(module: nn.Module) -> bool:
    """Whether it computes statistics over a batch, which it cannot of a single sample."""
    return any(isinstance(layer, BATCH_NORM) for layer in module.modules())


def joined(pieces: Sequence[fx.GraphModule]) -> fx.GraphModule:
    """One network of pieces of which each goes on from what the one before it answers. Layers are shared with the pieces."""
    graph, layers, result = fx.Graph(), dict[str, nn.Module](), None
    for piece in pieces:
        copied: dict[fx.Node, fx.Node] = {}
        for node in piece.graph.nodes:
            if node.op == "placeholder" and result is not None:
                copied[node] = result
            elif node.op == "output":
                result = copied[node.all_input_nodes[0]]
            else:
                copied[node] = graph.node_copy(node, copied.__getitem__)
        layers |= {name_of(node): layer for node in piece.graph.nodes if (layer := layer_of(piece, node)) is not None}
    assert result is not None
    graph.output(result)
    return assembled(layers, graph, training=pieces[0].training)


def _parts(network: fx.GraphModule, in_shape: Shape) -> list[_Part]:
    """The network between all places that a single result crosses."""
    sizes = shapes(network, in_shape)
    found, nodes, before = [], list[fx.Node](), in_shape
    for node, cut in _cuts(network):
        nodes.append(node)
        if not cut:
            continue
        shape = sizes[node.name]
        layers = [layer for each in nodes if (layer := layer_of(network, each)) is not None]
        found.append(_Part(nodes, shape, any(_has_weights(layer) for layer in layers),
                           len(shape) < len(before) or any(isinstance(layer, GATHERING) for layer in layers)))
        nodes, before = [], shape
    return found


def _has_weights(layer: nn.Module) -> bool:
    return isinstance(layer, WEIGHTED)


def _cuts(network: fx.GraphModule) -> Iterator[tuple[fx.Node, bool]]:
    """Each node that computes, and whether its result is all that crosses to what comes after it."""
    order = {node: position for position, node in enumerate(network.graph.nodes)}
    last = {node: max((order[user] for user in node.users), default=-1) for node in order}
    living: set[fx.Node] = set()
    for node, position in order.items():
        living = {each for each in living if last[each] > position} | ({node} if last[node] > position else set())
        if node.op in ("call_module", "call_function"):
            yield node, living == {node}


def _starts(parts: list[_Part]) -> list[int]:
    """Where units begin: at the weighted parts, or before, where an image is gathered to a row in front of one."""
    weighted = [place for place, part in enumerate(parts) if part.weighted]
    return weighted[:1] + [
        next((place for place in range(before + 1, here) if parts[place].gathers), here) for before, here in pairwise(weighted)]


def _made(network: fx.GraphModule, in_shape: Shape, parts: list[_Part], borders: list[int]) -> Iterator[Unit]:
    source: fx.Node = next(iter(network.graph.nodes))
    before = in_shape
    for begin, end in pairwise(borders):
        inside = parts[begin:end]
        nodes = [node for part in inside for node in part.nodes]
        own = next(node for part in inside if part.weighted for node in part.nodes
                   if (layer := layer_of(network, node)) is not None and _has_weights(layer))
        yield Unit(name_of(own), _piece(network, source, nodes), before, inside[-1].shape)
        source, before = nodes[-1], inside[-1].shape


def _piece(network: fx.GraphModule, source: fx.Node, nodes: list[fx.Node]) -> fx.GraphModule:
    graph = fx.Graph()
    taken = {node.name for node in nodes} | {name_of(node).partition(".")[0] for node in nodes}
    name = next(name for number in range(len(taken) + 1) if (name := f"x_{number}" if number else "x") not in taken)
    copied = {source: graph.placeholder(name)}
    for node in nodes:
        copied[node] = graph.node_copy(node, copied.__getitem__)
    graph.output(copied[nodes[-1]])
    layers = {name_of(node): layer for node in nodes if (layer := layer_of(network, node)) is not None}
    return assembled(layers, graph, training=network.training)
