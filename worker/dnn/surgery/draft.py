"""A network under the knife: a graph of its own and layers by node name, without generated code until the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import fx, nn

from worker.dnn.assembly import assembled, placed
from worker.dnn.spec import layer_of, name_of

L = TypeVar("L", bound=nn.Module)
# What a layer keeps in tables: parameters, buffers, hooks.
_TABLES = tuple(key for key, value in nn.Module().__dict__.items() if isinstance(value, dict))


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
        return assembled(layers, self.graph, training=training)


def drafted(network: fx.GraphModule) -> Draft:
    """A draft that may be changed; the network stays untouched."""
    graph, copied, layers = fx.Graph(), dict[fx.Node, fx.Node](), dict[str, nn.Module]()
    for old in network.graph.nodes:
        args = tuple(copied[given] if isinstance(given, fx.Node) else fx.map_arg(given, copied.__getitem__) for given in old.args)
        node = copied[old] = placed(graph, old.op, old.target, args, dict(old.kwargs), old.name)
        layer = layer_of(network, old)
        if layer is not None:
            layers[node.name] = twin(layer)
    return Draft(graph, layers)


def twin(layer: L) -> L:
    """Another layer with the same tensors; replacing one of its tensors leaves the first layer alone.

    A constructor would draw new weights, which costs more than the whole surgery.
    """
    other = layer.__class__.__new__(layer.__class__)
    told = layer.__dict__.copy()
    for key in _TABLES:
        told[key] = told[key].copy() if told[key] else type(told[key])()
    other.__dict__ = told
    return other


def sweep(draft: Draft) -> None:
    """Erase what nobody reads."""
    for node in reversed(list(draft.graph.nodes)):
        if not node.users and node.op not in ("output", "placeholder"):
            draft.layers.pop(node.name, None)
            draft.graph.erase_node(node)
