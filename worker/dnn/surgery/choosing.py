"""Which channels to give up when a network is to be so much narrower: those with the least weight, group by group."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import fx

from worker.dnn.spec import name_of
from worker.dnn.surgery.balance import Choice
from worker.dnn.surgery.channels import Channels, channels
from worker.dnn.surgery.company import with_company
from worker.dnn.surgery.draft import Draft, drafted
from worker.dnn.surgery.mixing import MIXING, Values, mixes, output_sizes
from worker.dnn.surgery.reasons import in_company, pinned_by
from worker.dnn.surgery.shrinking import Shrunk, kept_by_name
from worker.dnn.surgery.slimming import slim
from worker.dnn.surgery.streams import Flags, Ids

# The mantissa's doubt about a product such as 0.7 * 10.
HAIR = 1e-9


def prune_channels(network: fx.GraphModule, keep: float, *, round_to: int = 1, min_channels: int = 1) -> Shrunk:
    """A copy of the network in which each layer keeps the part `keep` of its channels, those with the largest L1 norm.

    Channels that are coupled are weighed together, by the sum of the norms over every layer that makes them; on a tie the
    lower one stays. Widths are rounded down, then up to a multiple of `round_to`. `reasons` says of each layer that keeps
    more than that which operator holds it. Raises ValueError when `keep` is not above 0 and at most 1.
    """
    if not 0 < keep <= 1:
        raise ValueError(f"The part of the channels to keep must be above 0 and at most 1, not {keep}.")
    draft = drafted(network)
    found = channels(draft)
    worth = _worth(draft, found)
    chosen = found.pinned | _best(found, worth, keep, round_to)
    alive = with_company(found, chosen, round_to=round_to, min_channels=max(1, min_channels), choice=Choice(worth))
    kept, reasons = kept_by_name(draft, found, alive), _reasons(draft, found, alive, keep)
    slim(draft, found, alive)
    return Shrunk(draft.finished(training=network.training), kept, reasons)


@torch.no_grad()
def _worth(draft: Draft, found: Channels) -> Values:
    """The L1 norms of what makes each channel. What stays in any case is not weighed: a classifier may be half of all weights."""
    worth, scratch, pinned = np.zeros(found.count), dict[torch.dtype, torch.Tensor](), found.pinned
    for name in found.producers:
        if pinned[found.writes[name]].all():
            continue
        layer = draft.layers[name]
        assert mixes(layer)
        np.add.at(worth, found.writes[name], output_sizes(layer, scratch))
    return worth


def _best(found: Channels, worth: Values, keep: float, round_to: int) -> Flags:
    """The best of each cell, all at once: sorted by cell, then by worth; those whose rank in the cell is low enough stay."""
    cells, even = _cells(found)
    made = np.flatnonzero(cells)
    ids = made[np.lexsort((-worth[made], cells[made]))]
    starts = np.flatnonzero(np.diff(cells[ids], prepend=0))
    sizes = np.diff(starts, append=len(ids))
    wanted = np.floor(keep * sizes + HAIR).astype(np.int64)
    wanted = np.maximum(np.minimum(sizes, -(-wanted // round_to) * round_to), even[ids[starts]])
    chosen: Flags = np.equal(cells, 0)  # padding, for example, is nobody's to choose from
    chosen[ids[np.arange(len(ids)) - np.repeat(starts, sizes) < np.repeat(wanted, sizes)]] = True
    return chosen


def _cells(found: Channels) -> tuple[Ids, Flags]:
    """Channels made by the same layers, in the same group of every operator that has groups, share a number.

    Each such set gives its members a random mark; a channel is known by those it has gathered. Channels that no layer
    makes have 0.
    """
    marks, cells = np.random.default_rng(0), np.zeros(found.count, dtype=np.int64)
    even = np.zeros(found.count, dtype=np.bool_)
    sets: list[Ids] = [found.writes[name] for name in found.producers]
    for balance in found.balances:
        for part in balance.parts:
            sets += list(part)
            even[part] = True
    nobodys = np.ones(found.count, dtype=np.bool_)
    for name in found.producers:
        nobodys[found.writes[name]] = False
    for ids, mark in zip(sets, marks.integers(1 << 62, size=len(sets)), strict=True):
        cells[ids] = cells[ids] ^ mark  # by assignment, so that a channel that lies twice in a set is marked once
    cells[nobodys] = 0
    return cells, even


def _reasons(draft: Draft, found: Channels, alive: Flags, keep: float) -> dict[str, str]:
    told: dict[str, str] = {}
    for node in draft.graph.nodes:
        ids = found.writes.get(node.name)
        if ids is None or not isinstance(draft.layer(node), MIXING):
            continue
        stays = ids[alive[ids]]
        if len(stays) > max(1, math.floor(keep * len(ids) + HAIR)):
            told[name_of(node)] = f"{len(stays)} of {len(ids)} channels stay: {_why(found, stays)}."
    return told


def _why(found: Channels, stays: Ids) -> str:
    pinned = found.pinned[stays]
    if pinned.all():
        holders = [who for who, _ in pinned_by(found, stays)]
        return f"{' and '.join(holders)} {'needs' if len(holders) == 1 else 'need'} them all"
    parts = [f"{who} needs {count} of them" for who, count in pinned_by(found, stays[pinned])]
    evened = [why.removeprefix("kept ") for why, _ in in_company(found, stays[~pinned]) if "each group" in why]
    parts += evened[:1] or ([] if parts else ["so that nothing is narrower than asked"])
    return ", ".join(parts)
