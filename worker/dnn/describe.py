"""A network told as data: every layer with its cost, its place in a drawing, and where the network can be parted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import fx

from worker import structure
from worker.dnn import kinds
from worker.dnn.cost import LayerCost, cost
from worker.dnn.drawing import Drawing, draw
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import layer_of, name_of, sources
from worker.structure import Structure

if TYPE_CHECKING:  # Nobody else who describes a network needs ONNX Runtime.
    from worker.dnn.export.parity import Parity


def describe(
    network: fx.GraphModule, in_shape: Shape, parity: Parity | None = None, most_tensors: int = 1
) -> Structure:
    """The structure for one sample of `in_shape`, with the cuts that at most `most_tensors` results go across.

    ValueError where the shape does not fit the network.
    """
    sizes, total = shapes(network, in_shape), cost(network, in_shape)
    first, *nodes, output = network.graph.nodes
    reads = {name_of(node): [name_of(source) for source in sources(node)] for node in nodes}
    drawn = draw(name_of(first), reads)
    layers = [_layer(network, node, told, drawn) for node, told in zip(nodes, total.layers, strict=True)]
    found = Structure(
        in_shape=tuple(in_shape), out_shape=sizes[output.name], params=total.params, macs=total.macs,
        activation_bytes=total.activation_bytes, input=_input(first, drawn), answer=name_of(output.all_input_nodes[0]),
        layers=tuple(layers), cuts=(), parity=parity and told_parity(parity))
    return found.model_copy(update={"cuts": found.parted(most_tensors)})


def told_parity(parity: Parity) -> structure.Parity:
    return structure.Parity(max_abs=parity.max_abs, max_relative=parity.max_relative)


def _input(node: fx.Node, drawn: Drawing) -> structure.Input:
    x, y = drawn.places[name_of(node)]
    return structure.Input(name=name_of(node), x=x, y=y)


def _layer(network: fx.GraphModule, node: fx.Node, told: LayerCost, drawn: Drawing) -> structure.Layer:
    x, y = drawn.places[told.name]
    inputs = tuple(name_of(source) for source in sources(node))
    routes = tuple(drawn.routes.get((name, told.name), ()) for name in inputs)
    return structure.Layer(
        name=told.name, op=told.op, params=told.params, macs=told.macs, activation_bytes=told.activation_bytes,
        living_bytes=told.living_bytes, out_shape=told.out_shape, inputs=inputs, arguments=_arguments(network, node),
        x=x, y=y, routes=routes if any(routes) else ())


def _arguments(network: fx.GraphModule, node: fx.Node) -> dict[str, kinds.Argument]:
    layer = layer_of(network, node)
    return dict(node.kwargs) if layer is None else kinds.arguments(layer)  # type: ignore[arg-type]
