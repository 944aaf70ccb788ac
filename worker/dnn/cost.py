"""What a network costs, whatever runs it: parameters, multiply-accumulates and activation bytes of one sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import fx, nn

from worker.dnn.kinds import function_name
from worker.dnn.shapes import Shape, shapes
from worker.dnn.spec import layer_of, name_of
from worker.events import Facts

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class LayerCost:
    """One layer or function; `activation_bytes` is its result for one float32 sample (0 for a view of its input)."""

    name: str
    op: str
    params: int
    macs: int
    activation_bytes: int
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
    layers = tuple(_layer_cost(network, node, sizes) for node in nodes)
    return Cost(
        params=sum(layer.params for layer in layers),
        macs=sum(layer.macs for layer in layers),
        activation_bytes=_peak_bytes(network, sizes),
        layers=layers,
    )


def peak_bytes(network: fx.GraphModule, in_shape: Shape, width: Callable[[str], int]) -> int:
    """The peak of all living results when the one of node `name` takes `width(name)` bytes a number."""
    return _peak_bytes(network, shapes(network, in_shape), width)


def facts(network: fx.GraphModule, in_shape: Shape, file: Path) -> Facts:
    """What an event says about the network that is kept in `file`."""
    total = cost(network, in_shape)
    return Facts(
        size_bytes=file.stat().st_size, params=total.params, macs=total.macs, activation_bytes=total.activation_bytes
    )


def _layer_cost(network: fx.GraphModule, node: fx.Node, sizes: dict[str, Shape]) -> LayerCost:
    layer, shape = layer_of(network, node), sizes[node.name]
    return LayerCost(
        name=name_of(node),
        op=function_name(node) if layer is None else type(layer).__name__,
        params=0 if layer is None else sum(parameter.numel() for parameter in layer.parameters()),
        macs=_macs(layer, shape),
        activation_bytes=_result_bytes(layer, shape),
        out_shape=shape,
    )


def _macs(layer: nn.Module | None, shape: Shape) -> int:
    if not isinstance(layer, nn.Conv2d | nn.Linear):
        return 0
    return math.prod(shape) * math.prod(layer.weight.shape[1:])


def _result_bytes(layer: nn.Module | None, shape: Shape) -> int:
    return 0 if isinstance(layer, nn.Flatten | nn.Identity | nn.Dropout) else FLOAT32_BYTES * math.prod(shape)


def _peak_bytes(
    network: fx.GraphModule, sizes: dict[str, Shape], width: Callable[[str], int] = lambda name: FLOAT32_BYTES
) -> int:
    """Peak by lifetimes: a result lives from its node to the last node that reads it or a view of it."""
    owner, last = _owners_and_last_reads(network)
    living, peak = dict[str, int](), 0
    for position, node in enumerate(network.graph.nodes):
        if owner[node.name] == node.name and node.op != "output":
            living[node.name] = width(node.name) * math.prod(sizes[node.name])
        peak = max(peak, sum(living.values()))
        living = {name: size for name, size in living.items() if last[name] > position}
    return peak


def _owners_and_last_reads(network: fx.GraphModule) -> tuple[dict[str, str], dict[str, int]]:
    """Which node's memory each node's result lies in, and the last position that reads that memory."""
    owner: dict[str, str] = {}
    last: dict[str, int] = {}
    for position, node in enumerate(network.graph.nodes):
        view = node.op == "output" or isinstance(layer_of(network, node), nn.Flatten | nn.Identity | nn.Dropout)
        owner[node.name] = owner[node.all_input_nodes[0].name] if view else node.name
        last.setdefault(owner[node.name], position)
        for source in node.all_input_nodes:
            last[owner[source.name]] = position
    return owner, last
