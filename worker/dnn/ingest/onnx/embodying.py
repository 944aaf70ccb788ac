"""Layers given their names and numbers: one copy of the weights, made when everything about the file is settled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from worker.dnn.form import to_spec
from worker.dnn.ingest.onnx.naming import Names
from worker.dnn.ingest.onnx.sheet import Sheet
from worker.dnn.ingest.onnx.values import Array
from worker.dnn.spec import MOST_NODES
from worker.firstlook import Unfit

SPARE_BYTES = 64_000_000
MOST_COPIES = 4


def outlined(sheet: Sheet, file_bytes: int) -> fx.GraphModule:
    """The network without memory; Unfit when its weights would be out of proportion to the file."""
    total = sum(4 * array.size for arrays in sheet.arrays.values() for array in arrays.values())
    if total > MOST_COPIES * file_bytes + SPARE_BYTES:
        raise Unfit(f"The layers of the network would take {total:,} bytes, though the file has {file_bytes:,}.")
    if len(sheet.graph.nodes) > MOST_NODES:
        raise Unfit(f"The network has more than {MOST_NODES} layers; no more are taken.")
    names, graph, made = _names(sheet), fx.Graph(), dict[fx.Node, fx.Node]()
    for node in sheet.graph.nodes:
        target = names[node] if node.op in ("call_module", "placeholder") else node.target
        args: Any = fx.map_arg(node.args, made.__getitem__)
        made[node] = graph.create_node(node.op, target, args, dict(node.kwargs), name=names[node].replace(".", "_"))
    layers = {names[node]: sheet.layers[node.name] for node in sheet.graph.nodes if node.op == "call_module"}
    network = fx.GraphModule(layers, graph).eval()
    to_spec(network)
    return network


def _names(sheet: Sheet) -> dict[fx.Node, str]:
    """Layers with weights choose first."""
    given, found = Names(), dict[fx.Node, str]()
    nodes = list(sheet.graph.nodes)
    for node in sorted(nodes, key=lambda node: not sheet.arrays.get(node.name)):
        wish = sheet.wishes.get(node.name, "output")
        found[node] = given.layer(wish) if node.op == "call_module" else given.function(wish)
        if node.op == "output":
            found[node] = "output"
    return found


def fill(sheet: Sheet, network: fx.GraphModule) -> None:
    """Every layer of the outline gets a copy of its numbers of its own, in float32; the file's bytes stay untouched."""
    owners = {id(layer): sheet.arrays[name] for name, layer in sheet.layers.items()}
    for layer in network.modules():
        arrays = owners.get(id(layer), {})
        for name, parameter in layer._parameters.items():
            if parameter is not None:
                layer._parameters[name] = nn.Parameter(_tensor(arrays[name], parameter.shape))
        for name, buffer in layer._buffers.items():
            if buffer is not None:
                layer._buffers[name] = _tensor(arrays[name], buffer.shape) if name in arrays else torch.tensor(0)


def _tensor(array: Array, shape: torch.Size) -> Tensor:
    found = np.empty(tuple(shape), dtype=np.float32)
    np.copyto(found, array.reshape(tuple(shape)), casting="unsafe")
    return torch.from_numpy(found)
