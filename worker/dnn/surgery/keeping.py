"""Removing channels by index list, zero or not."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, fx

from worker.dnn.spec import name_of
from worker.dnn.surgery.channels import Channels, channels
from worker.dnn.surgery.company import with_company
from worker.dnn.surgery.draft import drafted
from worker.dnn.surgery.mixing import CONVOLUTIONS
from worker.dnn.surgery.slimming import slim
from worker.dnn.surgery.streams import Flags


def keep_channels(network: fx.GraphModule, keep: dict[str, Tensor]) -> fx.GraphModule:
    """A copy of the network whose named convolutions and linear layers keep only the given output channels.

    `keep` maps a layer's name to the indices that stay, in any order; they keep the order they have. Layers that are
    coupled (both ends of a residual add) must all be named, with the same indices. Raises ValueError otherwise, for an
    unknown layer, for indices out of range or empty, and for channels that cannot be removed.
    """
    draft = drafted(network)
    found = channels(draft)
    nodes = {name_of(node): node.name for node in draft.graph.nodes if node.name in draft.layers}
    stays = {_node(found, nodes, name): _flags(found, nodes, name, indices) for name, indices in keep.items()}
    alive = np.ones(found.count, dtype=np.bool_)
    for node, flags in stays.items():
        alive[found.writes[node][~flags]] = False
    names = {node: name for name, node in nodes.items()}
    _check(found, alive, stays, names)
    _check_groups(found, alive, names)
    slim(draft, found, alive)
    return draft.finished(training=network.training)


def free_outputs(network: fx.GraphModule) -> list[str]:
    """The convolutions whose output channels can be removed one by one: not tied to another layer's by a residual add, nor
    to the network's input or output, nor to an operator that takes the same number from each group. In the order of the
    network."""
    draft = drafted(network)
    found = channels(draft)
    writers = np.zeros(found.count, dtype=np.int64)
    for name in found.producers:
        np.add.at(writers, found.writes[name], 1)
    tied = found.pinned | (writers > 1)
    for balance in found.balances:
        for part in balance.parts:
            tied[part] = True
    nodes = [node for node in draft.graph.nodes if isinstance(draft.layer(node), CONVOLUTIONS)]
    free = [node for node in nodes if node.name in found.producers and not tied[found.writes[node.name]].any()]
    return [name_of(node) for node in free]


def _node(found: Channels, nodes: dict[str, str], name: str) -> str:
    if nodes.get(name) not in found.writes:
        raise ValueError(f"The network has no layer {name} whose output channels can be chosen.")
    return nodes[name]


def _flags(found: Channels, nodes: dict[str, str], name: str, indices: Tensor) -> Flags:
    width, chosen = len(found.writes[nodes[name]]), torch.as_tensor(indices).reshape(-1).cpu().numpy()
    if not len(chosen) or chosen.min() < 0 or chosen.max() >= width or len(np.unique(chosen)) < len(chosen):
        raise ValueError(f"The layer {name} must keep at least one of its {width} channels, each named once.")
    flags = np.zeros(width, dtype=np.bool_)
    flags[chosen] = True
    return flags


def _check(found: Channels, alive: Flags, stays: dict[str, Flags], names: dict[str, str]) -> None:
    for node in (*found.producers, *stays):
        ids = found.writes[node]
        asked = stays.get(node, np.ones(len(ids), dtype=np.bool_))
        missed = ids[found.pinned[ids] & ~alive[ids]]
        if len(missed):
            raise ValueError(f"Channels of {names[node]} must stay: {found.who[found.culprits[missed[0]]]} needs them all.")
        if not np.array_equal(alive[ids], asked):
            tied = [names[other] for other in stays if other != node and np.isin(found.writes[other], ids).any()]
            told = f"coupled with {', '.join(tied)}: they must keep the same channels" if tied else (
                "rearranged in blocks of channels, which must be kept or left out as one")
            raise ValueError(f"The outputs of {names[node]} are {told}.")


def _check_groups(found: Channels, alive: Flags, names: dict[str, str]) -> None:
    """Operators that split channels must find as many in each of their parts, and at least one."""
    for node, ids in found.slices.items():
        if not alive[ids].any():
            raise ValueError(f"The slice {names[node]} would be left without channels.")
    evened = with_company(found, alive)
    for balance in found.balances:
        if any((evened[part] != alive[part]).any() for part in balance.parts):
            raise ValueError(f"{balance.who} must keep the same number of channels in each of its groups.")
