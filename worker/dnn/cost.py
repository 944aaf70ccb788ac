"""What a network costs, whatever runs it: parameters, multiply-accumulates and activation bytes of one sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import fx, nn

from worker.dnn import layers
from worker.dnn.kinds import function_name
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import layer_of, name_of, sources
from worker.events import Facts

FLOAT32_BYTES = 4
# Results that lie in the memory of what they were made from.
VIEWS = (nn.Flatten, nn.Identity, nn.Dropout, layers.Reshape)


@dataclass(frozen=True)
class LayerCost:
    """One layer or function; `activation_bytes` is its result for one float32 sample (0 for a view of its input).

    `living_bytes` are all results that are still needed while it runs, its own included.
    """

    name: str
    op: str
    params: int
    macs: int
    activation_bytes: int
    living_bytes: int
    out_shape: Shape


@dataclass(frozen=True)
class Cost:
    """`macs` are convolution and linear only; `activation_bytes` is the peak of all living results, input included."""

    params: int
    macs: int
    activation_bytes: int
    layers: tuple[LayerCost, ...]


def cost(network: fx.GraphModule, in_shape: Shape) -> Cost:
    """Cost of one sample of `in_shape`; ValueError where the shape does not fit the network."""
    sizes = shapes(network, in_shape)
    nodes = [node for node in network.graph.nodes if node.op in ("call_module", "call_function")]
    living = living_bytes(network, sizes)
    layers = tuple(_layer_cost(network, node, sizes, living[node.name]) for node in nodes)
    return Cost(
        params=sum(layer.params for layer in layers),
        macs=sum(layer.macs for layer in layers),
        activation_bytes=max(living.values()),
        layers=layers,
    )


def peak_bytes(network: fx.GraphModule, in_shape: Shape, width: Callable[[str], int]) -> int:
    """The peak of all living results when the one of node `name` takes `width(name)` bytes a number."""
    return max(living_bytes(network, shapes(network, in_shape), width).values())


def facts(network: fx.GraphModule, in_shape: Shape, file: Path) -> Facts:
    """What an event says about the network that is kept in `file`."""
    total = cost(network, in_shape)
    return Facts(
        size_bytes=file.stat().st_size, params=total.params, macs=total.macs, activation_bytes=total.activation_bytes
    )


def _layer_cost(network: fx.GraphModule, node: fx.Node, sizes: dict[str, Shape], living: int) -> LayerCost:
    layer, shape = layer_of(network, node), sizes[node.name]
    given = [sizes[source.name] for source in sources(node)]
    return LayerCost(
        name=name_of(node),
        op=function_name(node) if layer is None else type(layer).__name__,
        params=0 if layer is None else sum(parameter.numel() for parameter in layer.parameters()),
        macs=_macs(node, layer, given, shape),
        activation_bytes=0 if isinstance(layer, VIEWS) else FLOAT32_BYTES * math.prod(shape),
        living_bytes=living,
        out_shape=shape,
    )


def _macs(node: fx.Node, layer: nn.Module | None, given: list[Shape], shape: Shape) -> int:
    """Convolutions, linear layers and products of matrices; the rest is cheap and counted by nobody."""
    match layer:
        case nn.Conv1d() | nn.Conv2d() | nn.Linear():
            return math.prod(shape) * math.prod(layer.weight.shape[1:])
        case nn.ConvTranspose1d() | nn.ConvTranspose2d():
            return math.prod(given[0]) * math.prod(layer.weight.shape[1:])
    return math.prod(shape) * given[0][-1] if node.target is torch.matmul else 0


def living_bytes(
    network: fx.GraphModule, sizes: dict[str, Shape], width: Callable[[str], int] = lambda name: FLOAT32_BYTES
) -> dict[str, int]:
    """What lives while each node runs: a result does from its node to the last node that reads it or a view of it."""
    owner, last = _owners_and_last_reads(network)
    own, ends = dict[str, int](), dict[int, list[str]]()
    found, living = dict[str, int](), 0
    for position, node in enumerate(network.graph.nodes):
        if owner[node.name] == node.name:
            own[node.name] = width(node.name) * math.prod(sizes[node.name])
            ends.setdefault(last[node.name], []).append(node.name)
            living += own[node.name]
        found[node.name] = living
        living -= sum(own[name] for name in ends.get(position, ()))
    return found


def _owners_and_last_reads(network: fx.GraphModule) -> tuple[dict[str, str], dict[str, int]]:
    """Which node's memory each node's result lies in, and the last position that reads that memory."""
    owner: dict[str, str] = {}
    last: dict[str, int] = {}
    for position, node in enumerate(network.graph.nodes):
        view = node.op == "output" or isinstance(layer_of(network, node), VIEWS)
        owner[node.name] = owner[node.all_input_nodes[0].name] if view else node.name
        last.setdefault(owner[node.name], position)
        for source in node.all_input_nodes:
            last[owner[source.name]] = position
    return owner, last
