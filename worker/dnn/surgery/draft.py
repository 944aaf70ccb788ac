"""A network under the knife: a graph of its own and layers by node name, without generated code until the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import fx, nn

from worker.dnn.spec import layer_of, name_of

L = TypeVar("L", bound=nn.Module)


@dataclass(frozen=True)
class Draft:
    """`layers` maps a node's name to its layer; the original's tensors are shared until they are replaced.

    `used` remembers, for layers that mix channels, which (output, input) pairs have a weight other than zero.
    """

    graph: fx.Graph
    layers: dict[str, nn.Module]
    used: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)

    def layer(self, node: fx.Node) -> nn.Module | None:
        return self.layers.get(node.name)

    def finished(self, *, training: bool) -> fx.GraphModule:
        """The network, its code generated once."""
        layers = {name_of(node): self.layers[node.name] for node in self.graph.nodes if node.name in self.layers}
        network = fx.GraphModule(layers, self.graph)
        network.training = training
        return network


def drafted(network: fx.GraphModule) -> Draft:
    """A draft that may be changed; the network stays untouched."""
    graph = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {}
    graph.output(graph.graph_copy(network.graph, copied))
    layers = {node.name: layer_of(network, old) for old, node in copied.items()}
    return Draft(graph, {name: twin(layer) for name, layer in layers.items() if layer is not None})


def twin(layer: L) -> L:
    """Another layer with the same tensors; replacing one of its tensors leaves the first layer alone.

    A constructor would draw new weights, which costs more than the whole surgery.
    """
    other = layer.__class__.__new__(layer.__class__)
    other.__dict__ = {key: value.copy() if isinstance(value, dict) else value for key, value in layer.__dict__.items()}
    return other


def sweep(draft: Draft) -> None:
    """Erase what nobody reads."""
    for node in reversed(list(draft.graph.nodes)):
        if not node.users and node.op not in ("output", "placeholder"):
            draft.layers.pop(node.name, None)
            draft.graph.erase_node(node)
