"""Why channels that are dead in themselves were kept, in words."""

from __future__ import annotations

import numpy as np
from torch import nn

from worker.dnn.spec import name_of
from worker.dnn.surgery.channels import Flags
from worker.dnn.surgery.draft import Draft
from worker.dnn.surgery.plainness import Plainness


def reasons_for(draft: Draft, plain: Plainness, needed: Flags, alive: Flags) -> dict[str, str]:
    """Layer name -> one sentence, for each layer that keeps channels without a weight of their own."""
    told: dict[str, str] = {}
    for node in draft.graph.nodes:
        values, ids = plain.values[node.name], plain.channels.writes.get(node.name)
        if values is None or ids is None or not isinstance(draft.layer(node), nn.Conv2d | nn.Linear):
            continue
        dead = ids[~np.isnan(values) & alive[ids]]
        if len(dead):
            told[name_of(node)] = _sentence(plain, node.name, dead, needed)
    return told


def _sentence(plain: Plainness, name: str, dead: np.typing.NDArray[np.int64], needed: Flags) -> str:
    pinned = plain.channels.pinned[dead]
    coupled = ~pinned & needed[dead] & np.isin(dead, _others(plain, name))
    constant = ~pinned & needed[dead] & ~coupled
    company = ~pinned & ~needed[dead]
    causes = {
        "needed whole by the network's input, its output or a grouped layer": pinned,
        "shared with other layers that need them": coupled,
        "a constant other than zero that cannot be folded": constant, "kept to make up the asked width": company,
    }
    parts = [f"{int(flags.sum())} {why}" for why, flags in causes.items() if flags.any()]
    return f"{len(dead)} dead channels stay: {', '.join(parts)}."


def _others(plain: Plainness, name: str) -> np.typing.NDArray[np.int64]:
    found = plain.channels
    rest = [found.writes[other] for other in found.producers if other != name]
    return np.concatenate(rest) if rest else np.empty(0, dtype=np.int64)
