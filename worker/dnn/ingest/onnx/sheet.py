"""The network under construction: a graph of fx, layers without memory, and the numbers that they will be given."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from worker.dnn import effort, kinds
from worker.dnn.ingest.onnx import naming
from worker.dnn.ingest.onnx.values import Array, Call, Flow
from worker.dnn.shapes import MOST_ELEMENTS, Shape, after
from worker.dnn.spec import MOST_NODES
from worker.firstlook import Unfit


@dataclass
class Sheet:
    """`layers`, `arrays` (a layer's tensors by their names), `sizes` and `wishes` (for names) go by the name of an fx node.

    `batches` are the two sizes of batch for which shapes are worked out; they are the same when the file fixes it.
    """

    batches: tuple[int, int]
    graph: fx.Graph = field(default_factory=fx.Graph)
    layers: dict[str, nn.Module] = field(default_factory=dict)
    arrays: dict[str, dict[str, Array]] = field(default_factory=dict)
    sizes: dict[str, Shape] = field(default_factory=dict)
    wishes: dict[str, str] = field(default_factory=dict)
    operations: int = 0

    def begin(self, name: str, shape: Shape) -> Flow:
        node = self.graph.create_node("placeholder", "images", name="images")
        self.sizes[node.name], self.wishes[node.name] = shape, name
        return Flow(node, shape)

    def layer(self, flow: Flow, layer: nn.Module, wish: str, **arrays: Array | None) -> Flow:
        """One layer more, its numbers kept aside."""
        node = self.graph.create_node("call_module", wish, (flow.node,), name=naming.flat(wish))
        kinds.check(layer, name=wish)
        self.layers[node.name] = layer.eval()
        self.arrays[node.name] = {key: array for key, array in arrays.items() if array is not None}
        return self._told(node, layer, [flow.shape], wish)

    def function(self, kind: str, flows: list[Flow], wish: str, dim: int | None = None) -> Flow:
        """One of the white list's functions of several results."""
        nodes: Any = tuple(flow.node for flow in flows)
        args, kwargs = ((nodes,), {"dim": dim}) if kind == "cat" else (nodes, {})
        node = self.graph.create_node("call_function", kinds.FUNCTIONS[kind], args, kwargs, name=naming.flat(wish))  # type: ignore[arg-type]
        return self._told(node, None, [flow.shape for flow in flows], wish)

    def _told(self, node: fx.Node, layer: nn.Module | None, given: list[Shape], wish: str) -> Flow:
        shape = after(node, layer, given)
        if min(shape, default=1) < 1:
            raise Unfit(f"Images of this size are too small for the network: nothing is left of them at {wish}.")
        if math.prod(shape) > MOST_ELEMENTS:
            raise Unfit(f"The result of {wish} would have more than {MOST_ELEMENTS} numbers.")
        if len(self.sizes) >= 2 * MOST_NODES:
            raise Unfit(f"The network has more than {MOST_NODES} layers; no more are taken.")
        # What nobody reads counts too: ONNX Runtime computes it all the same.
        self.operations = effort.bounded(self.operations + effort.of_layer(node, layer, given, shape))
        self.sizes[node.name], self.wishes[node.name] = shape, wish
        return Flow(node, shape)

    def become(self, node: fx.Node, source: fx.Node, layer: nn.Module, wish: str, **arrays: Array) -> None:
        """The node computes the same from `source` in one layer; what was in between falls away when nobody else reads it."""
        kinds.check(layer, name=wish)
        node.op, node.target, node.args, node.kwargs = "call_module", wish, (source,), {}
        self.layers[node.name], self.arrays[node.name], self.wishes[node.name] = layer.eval(), arrays, wish

    def skip(self, node: fx.Node, source: fx.Node) -> None:
        """Whoever reads the node reads `source` instead."""
        node.replace_all_uses_with(source)

    def sweep(self) -> None:
        """Leave out what nobody reads."""
        for node in reversed(list(self.graph.nodes)):
            if not node.users and node.op not in ("output", "placeholder"):
                self.layers.pop(node.name, None)
                self.arrays.pop(node.name, None)
                self.graph.erase_node(node)


def bare(cls: type[nn.Module], *args: Any, **kwargs: Any) -> nn.Module:
    """A layer without memory: constructors draw weights, which would cost more than reading."""
    with torch.device("meta"):
        return cls(*args, **kwargs)


def wish(call: Call, place: int | None = None) -> str:
    """What the node's layer would like to be called: after its weights, else after the node."""
    named = naming.of_tensor(call.origins[place]) if place is not None and place < len(call.origins) else ""
    return named or naming.of_node(call.name, call.op)
