"""From masks to a physically smaller network with the same answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, fx, nn

from worker.dnn.spec import name_of, sources
from worker.dnn.surgery.channels import Channels, channels
from worker.dnn.surgery.company import with_company
from worker.dnn.surgery.draft import Draft, sweep
from worker.dnn.surgery.masking import masked
from worker.dnn.surgery.mixing import MIXING, Mixing, foldable, folded, mixes, widths
from worker.dnn.surgery.plainness import Plainness, Policy
from worker.dnn.surgery.reasons import reasons_for
from worker.dnn.surgery.slimming import kept_outputs, slim
from worker.dnn.surgery.streams import Flags, Stream

TINY = 1e-8


class LayerCollapse(ValueError):
    """The masks leave no way from the network's input to its output."""


@dataclass(frozen=True)
class Shrunk:
    """`kept`: layer -> output channels that stay (empty when the layer is gone); `reasons`: why dead ones did."""

    network: fx.GraphModule
    kept: dict[str, Tensor]
    reasons: dict[str, str]


def shrink(
    network: fx.GraphModule,
    masks: dict[str, Tensor],
    *,
    policy: Policy = "mask_affine",
    round_to: int = 1,
    min_channels: int = 1,
) -> Shrunk:
    """Remove every channel that the masked network does not need; masks are named like parameters.

    A channel goes when each layer that reads it has no weight on it or sees a constant that does not matter:
    `mask_affine`: zero; `exact`: zero, or foldable into the reader's bias; `drop`: any constant (not loss-free).
    Residual branches that are zero go as a whole. The network answers like `apply_masks(network, masks, policy)` in
    evaluation mode. Raises LayerCollapse when the answer would no longer depend on the input.
    """
    draft = masked(network, masks, policy)
    everything = [name_of(node) for node in draft.graph.nodes if isinstance(draft.layer(node), MIXING)]
    plain = Plainness(draft, channels(draft), "exact" if policy == "mask_affine" else policy)
    _refuse_collapse(draft, plain)
    _drop_zero_branches(draft, plain)
    plain.channels = found = channels(draft)
    needed = _needed(draft, plain, policy)
    alive = with_company(found, needed, round_to=round_to, min_channels=max(1, min_channels))
    reasons = reasons_for(draft, plain, needed, alive)
    if policy == "exact":
        _fold(draft, plain, alive)
    slim(draft, found, alive)
    kept = dict.fromkeys(everything, torch.empty(0, dtype=torch.int64)) | kept_by_name(draft, found, alive)
    return Shrunk(draft.finished(training=network.training), kept, reasons)


def _refuse_collapse(draft: Draft, plain: Plainness) -> None:
    nodes = list(draft.graph.nodes)
    answer = plain.values[nodes[-1].name]
    if answer is None or np.isnan(answer).any():
        return
    for node in nodes:
        values = plain.values[node.name]
        if values is not None and not np.isnan(values).any():
            raise LayerCollapse(f"Every channel of {name_of(node)} is dead: nothing of the input reaches the output.")


def _drop_zero_branches(draft: Draft, plain: Plainness) -> None:
    """x + 0 and x - 0 are x. An operand that might be spread over a larger image stays, for it alone does not have x's
    shape."""
    for node in list(draft.graph.nodes):
        if node.target not in (torch.add, torch.sub):
            continue
        one, other = sources(node)
        for left, dead in ((one, other), (other, one)) if node.target is torch.add else ((one, other),):
            streams = (plain.channels.streams[each.name] for each in (left, node))
            if _is_zero(plain, dead) and _same_shape(*streams):
                node.replace_all_uses_with(left)
                break
    sweep(draft)


def _same_shape(one: Stream, other: Stream) -> bool:
    if not one.known or len(one.ids) != len(other.ids) or one.spread != other.spread or one.axis != other.axis:
        return False
    if one.sides is None or other.sides is None:
        return one.sides is other.sides
    return all(side == other.sides[axis] for axis, side in enumerate(one.sides) if axis != one.axis)


def _is_zero(plain: Plainness, node: fx.Node) -> bool:
    values = plain.values[node.name]
    return values is not None and not np.any(values != 0)


def _needed(draft: Draft, plain: Plainness, policy: Policy) -> Flags:
    """The smallest set of channels that is closed under "a needed row needs its columns", from the pinned ones on."""
    found = plain.channels
    needed = found.pinned.copy()
    readers = [node for node in reversed(draft.graph.nodes) if node.name in draft.used]
    matters = {node.name: _matters(draft, plain, node, policy) for node in readers}
    before = -1
    while before < (before := int(needed.sum())):
        for node in readers:
            ids = found.reads.get(node.name)
            if ids is not None:
                columns = draft.used[node.name][needed[found.writes[node.name]]].any(axis=0)
                needed[ids[columns & matters[node.name]]] = True
    return needed


def _matters(draft: Draft, plain: Plainness, node: fx.Node, policy: Policy) -> Flags:
    """Which of a layer's inputs it would miss."""
    given, layer = plain.read(node), draft.layer(node)
    assert mixes(layer)
    if policy == "drop" or (policy == "exact" and foldable(layer)):
        return np.isnan(given)
    limit = TINY if policy == "exact" else 0.0
    return ~(np.abs(given) <= limit)


@torch.no_grad()
def _fold(draft: Draft, plain: Plainness, alive: Flags) -> None:
    """Add to each reader's bias what the constants it loses have added to its output."""
    for node in draft.graph.nodes:
        layer, ids = draft.layer(node), plain.channels.reads.get(node.name)
        if ids is None or not mixes(layer) or node.name not in draft.used:
            continue
        lost = np.where(alive[ids], np.nan, plain.read(node))
        if foldable(layer) and np.nan_to_num(lost).any():
            added = torch.from_numpy(folded(layer, lost)).to(layer.weight)
            bias = added if layer.bias is None else layer.bias + added
            layer._parameters["bias"] = nn.Parameter(bias.detach(), requires_grad=layer.weight.requires_grad)


def kept_by_name(draft: Draft, found: Channels, alive: Flags) -> dict[str, Tensor]:
    layers = [node for node in draft.graph.nodes if isinstance(draft.layer(node), MIXING)]
    return {name_of(node): _kept_of(cast("Mixing", draft.layers[node.name]), found, alive, node) for node in layers}


def _kept_of(layer: Mixing, found: Channels, alive: Flags, node: fx.Node) -> Tensor:
    """Which output channels of a layer stay; all of one that was not followed."""
    if node.name in found.writes:
        return torch.from_numpy(kept_outputs(found, alive, node.name))
    return torch.arange(widths(layer)[0])
