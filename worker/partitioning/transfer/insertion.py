"""A transfer layer put into a network behind one of its layers, where exactly one result goes across."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from torch import fx, nn

from worker.dnn import slices
from worker.dnn.placing import fresh
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import name_of
from worker.partitioning.transfer.layers import Halves

DOWN, UP = "transfer_down", "transfer_up"


@dataclass(frozen=True)
class Placed:
    """`first` and `down`: first and last layer of the half before the cut; `up`: the last one of the half behind it."""

    network: fx.GraphModule
    in_shape: Shape
    first: str
    down: str
    up: str

    def split(self) -> slices.Halves:
        """Head with down, and up with tail."""
        return slices.split(self.network, self.in_shape, self.down)


def shape_at(network: fx.GraphModule, in_shape: Shape, after: str) -> Shape:
    """Of what goes across a cut behind this layer; ValueError in a sentence where there is no such cut."""
    return slices.split(network, in_shape, after).tail.in_shape


def inserted(network: fx.GraphModule, in_shape: Shape, after: str, made: Halves) -> Placed:
    """A copy of the network with both halves behind `after`; ValueError in a sentence where no cut is there."""
    slices.split(network, in_shape, after)
    larger = copy.deepcopy(network)
    node = next(node for node in larger.graph.nodes if node.op.startswith("call_") and name_of(node) == after)
    readers = list(node.users)
    down = _chained(larger, node, made.down, DOWN)
    up = _chained(larger, down[-1], made.up, UP)
    for reader in readers:
        reader.replace_input_with(node, up[-1])
    larger.recompile()
    _keeps_its_shape(larger, in_shape, after, name_of(node), name_of(up[-1]))
    return Placed(larger, tuple(in_shape), name_of(down[0]), name_of(down[-1]), name_of(up[-1]))


def _chained(network: fx.GraphModule, source: fx.Node, made: Sequence[nn.Module], wish: str) -> list[fx.Node]:
    found = list[fx.Node]()
    for layer in made:
        name = fresh(network, wish)
        network.add_submodule(name, layer.train(network.training))
        with network.graph.inserting_after(source):
            source = network.graph.call_module(name, (source,))
        found.append(source)
    return found


def _keeps_its_shape(network: fx.GraphModule, in_shape: Shape, after: str, before: str, behind: str) -> None:
    sizes = {name_of(node): shape for node, shape in zip(network.graph.nodes, shapes(network, in_shape).values(), strict=True)}
    if sizes[before] != sizes[behind]:
        raise ValueError(f"The transfer layer behind {after} does not give back the shape that it was given.")
