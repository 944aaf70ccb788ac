"""Why channels were kept against the wish, in words."""

from __future__ import annotations

from collections import Counter

import numpy as np

from worker.dnn.spec import name_of
from worker.dnn.surgery.channels import Channels
from worker.dnn.surgery.draft import Draft
from worker.dnn.surgery.mixing import mixes
from worker.dnn.surgery.plainness import Plainness
from worker.dnn.surgery.streams import Flags, Ids


def reasons_for(draft: Draft, plain: Plainness, needed: Flags, alive: Flags) -> dict[str, str]:
    """Layer name -> one sentence, for each layer that keeps channels without a weight of their own."""
    told: dict[str, str] = {}
    for node in draft.graph.nodes:
        values, ids = plain.values[node.name], plain.channels.writes.get(node.name)
        if values is None or ids is None or not mixes(draft.layer(node)):
            continue
        dead = ids[~np.isnan(values) & alive[ids]]
        if len(dead):
            told[name_of(node)] = _sentence(plain, node.name, dead, needed)
    return told


def _sentence(plain: Plainness, name: str, dead: Ids, needed: Flags) -> str:
    found = plain.channels
    pinned = found.pinned[dead]
    coupled = ~pinned & needed[dead] & np.isin(dead, _others(found, name))
    constant = ~pinned & needed[dead] & ~coupled
    parts = [f"{count} needed whole by {who}" for who, count in pinned_by(found, dead[pinned])]
    parts += [f"{int(flags.sum())} {why}" for why, flags in (
        ("shared with other layers that need them", coupled),
        ("a constant other than zero that cannot be folded", constant)) if flags.any()]
    parts += [f"{count} {why}" for why, count in in_company(found, dead[~pinned & ~needed[dead]])]
    return f"{len(dead)} dead channels stay: {', '.join(parts)}."


def pinned_by(found: Channels, ids: Ids) -> list[tuple[str, int]]:
    """Which operators need these channels, and how many of them each."""
    return list(Counter(found.who[index] for index in found.culprits[ids]).items())


def in_company(found: Channels, ids: Ids) -> list[tuple[str, int]]:
    """Why channels stay that nobody needs, and how many for each reason."""
    left, told = ids, list[tuple[str, int]]()
    for balance in found.balances:
        evened = np.isin(left, np.concatenate([part.ravel() for part in balance.parts]))
        if evened.any():
            told.append((f"kept so that each group of {balance.who} has as many as the others", int(evened.sum())))
        left = left[~evened]
    return [*told, ("kept to make up the asked width", len(left))] if len(left) else told


def _others(found: Channels, name: str) -> Ids:
    rest = [found.writes[other] for other in found.producers if other != name]
    return np.concatenate(rest) if rest else np.empty(0, dtype=np.int64)
