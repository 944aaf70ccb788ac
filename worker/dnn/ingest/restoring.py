"""Batch-norm given back to a network that came with it folded, for a training that begins anew."""

from __future__ import annotations

import torch
from torch import fx, nn

from worker.dnn.layers import Max, Mean, Scale, Shift
from worker.dnn.spec import embody, layer_of, name_of
from worker.dnn.surgery.draft import twin

_CONV = nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d
_NORMS = nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm1d | nn.InstanceNorm2d | nn.GroupNorm | nn.LayerNorm | Scale | Shift


def restore_batchnorm(network: fx.GraphModule) -> fx.GraphModule:
    """A copy with a batch-norm behind each convolution that has none; in evaluation mode it answers as before.

    The statistics are the identity's and the convolution's bias becomes the batch-norm's. A convolution stays as it is
    whose result is the network's answer or is normalised already, and one behind a global pool: there are no places to
    normalise over, and gates have no batch-norm. Tensors that do not change are shared.
    """
    wanting = _wanting(network)
    graph = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {}
    graph.output(graph.graph_copy(network.graph, copied))
    layers, taken = dict[str, nn.Module](), {name_of(node).replace(".", "_") for node in network.graph.nodes}
    for old, node in copied.items():
        layer = layer_of(network, old)
        if layer is None:
            continue
        layers[name_of(node)] = layer = twin(layer)
        if isinstance(layer, _CONV) and old in wanting:
            _append(graph, node, layer, layers, taken)
    restored = fx.GraphModule(layers, graph)
    restored.training = network.training
    return restored


def restorable(network: fx.GraphModule) -> int:
    """How many convolutions would be given a batch-norm; 0 when the network has any already."""
    has = any(isinstance(layer_of(network, node), nn.BatchNorm1d | nn.BatchNorm2d) for node in network.graph.nodes)
    return 0 if has else len(_wanting(network))


def _wanting(network: fx.GraphModule) -> set[fx.Node]:
    """Convolutions of images whose result nobody normalises."""
    pooled, found = set[fx.Node](), set[fx.Node]()
    for node in network.graph.nodes:
        layer, given = layer_of(network, node), node.all_input_nodes
        if _pools_all(layer) or (given and pooled.issuperset(given)):
            pooled.add(node)
        elif isinstance(layer, _CONV) and not any(_is_normal(network, reader) for reader in node.users):
            found.add(node)
    return found


def _pools_all(layer: nn.Module | None) -> bool:
    sides = getattr(layer, "output_size", None)
    is_pool = isinstance(layer, nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool1d | nn.AdaptiveMaxPool2d)
    return isinstance(layer, Mean | Max) or (is_pool and sides in (1, (1,), (1, 1)))


def _is_normal(network: fx.GraphModule, reader: fx.Node) -> bool:
    return reader.op == "output" or isinstance(layer_of(network, reader), _NORMS)


def _append(graph: fx.Graph, node: fx.Node, layer: _CONV, layers: dict[str, nn.Module], taken: set[str]) -> None:
    name = _fresh(f"{name_of(node)}_bn", taken)
    with graph.inserting_after(node):
        norm = graph.create_node("call_module", name, (node,), name=name.replace(".", "_"))
    node.replace_all_uses_with(norm, delete_user_cb=lambda user: user is not norm)
    layers[name] = _norm(layer)
    layer.bias = None


@torch.no_grad()
def _norm(layer: _CONV) -> nn.Module:
    """Gamma is the root of 1 + eps, so that dividing by it gives back every number as it was."""
    kind = nn.BatchNorm2d if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) else nn.BatchNorm1d
    with torch.device("meta"):
        norm = kind(layer.out_channels)
    embody(norm, str(layer.weight.device))
    norm.to(layer.weight.dtype).reset_running_stats()
    norm.weight.fill_((1.0 + norm.eps) ** 0.5)
    norm.bias.zero_() if layer.bias is None else norm.bias.copy_(layer.bias)
    return norm.train(layer.training)


def _fresh(wish: str, taken: set[str]) -> str:
    name, number = wish, 1
    while name.replace(".", "_") in taken:
        name, number = f"{wish}_{number}", number + 1
    taken.add(name.replace(".", "_"))
    return name
