"""A network run with a clock between its blocks, and its blocks as networks of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import fx

from worker.dnn.shapes import Shape
from worker.dnn.slices import Slice, split
from worker.dnn.spec import name_of

Clock = Callable[[], int]
Pass = Callable[[], list[int]]


def chained(network: fx.GraphModule, in_shape: Shape, after: Sequence[str]) -> Iterator[Slice]:
    """The slices between these layers, in order: each takes what the one before it answers. They share the network's tensors."""
    rest = Slice(network, tuple(in_shape))
    for name in after:
        head, rest = split(rest.network, rest.in_shape, name)
        yield head
    yield rest


def stamped(network: fx.GraphModule, after: Sequence[str], images: torch.Tensor, clock: Clock = time.perf_counter_ns) -> Pass:
    """One call is one pass; its answer is when each block began and, last, when the pass had ended.

    One clock stands between two blocks, so that a block lasts until the next one begins: what lies between is counted.
    """
    stamps, ends = list[int](), set(after)

    def mark() -> None:
        stamps.append(clock())

    marked = _marked(network, ends, mark)

    def once() -> list[int]:
        stamps.clear()
        with torch.inference_mode():
            begun = clock()
            marked(images)
            mark()
        return [begun, *stamps]

    return once


def _marked(network: fx.GraphModule, ends: set[str], mark: Callable[[], None]) -> fx.GraphModule:
    """The same layers, with `mark` called behind each of these."""
    graph, copied = fx.Graph(), dict[fx.Node, fx.Node]()
    for node in network.graph.nodes:
        copied[node] = graph.node_copy(node, copied.__getitem__)
        if node.op.startswith("call_") and name_of(node) in ends:
            graph.call_function(mark)
    made = fx.GraphModule(network, graph)
    made.training = network.training
    return made
